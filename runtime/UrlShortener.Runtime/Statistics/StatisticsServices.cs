namespace UrlShortener.Runtime.Statistics;

/// <summary>Registers the statistics of links.</summary>
internal static class StatisticsServices
{
    /// <summary>Registers them.</summary>
    public static void AddStatistics(this IServiceCollection services)
    {
        services.AddSingleton<ClickStatistics>();
        services.AddHostedService<SummingWorker>();
    }
}
