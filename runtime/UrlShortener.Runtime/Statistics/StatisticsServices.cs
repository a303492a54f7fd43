using Microsoft.Extensions.DependencyInjection.Extensions;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Registers the statistics of links.</summary>
internal static class StatisticsServices
{
    /// <summary>Registers them.</summary>
    public static void AddStatistics(this IServiceCollection services)
    {
        services.AddSingleton<ClickStatistics>();
        services.AddSingleton<IRecentClicks>(provider => provider.GetRequiredService<ClickStatistics>());
        services.AddSingleton<StatisticsEndpoints>();
        RuntimeMetrics.Register(typeof(ExportMetrics));
        services.AddSingleton<ClickExport>();
        services.AddSingleton<ExportEndpoints>();
        services.TryAddSingleton<IRecentCounts, StoredRecentCounts>();
        services.AddSingleton<TrendingEndpoint>();
        services.AddHostedService<SummingWorker>();
    }
}
