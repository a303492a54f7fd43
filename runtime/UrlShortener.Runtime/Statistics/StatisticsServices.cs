using UrlShortener.Runtime.Links;

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
        services.AddHostedService<SummingWorker>();
    }
}
