using UrlShortener.Runtime.Clicks.Publishing;
using UrlShortener.Runtime.Clicks.Spool;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Clicks;

/// <summary>Registers the capture of clicks.</summary>
internal static class ClickServices
{
    /// <summary>Registers the queue and its writer, and with Kafka the publication of events.</summary>
    public static void AddClicks(this IServiceCollection services, ConfiguredServers servers)
    {
        RuntimeMetrics.Register(typeof(ClickMetrics));
        services.AddSingleton<ClickQueue>();
        services.AddSingleton(GeoDatabases.BuildEnricher);
        if (!servers.HasKafka)
        {
            services.AddHostedService<ClickWriter>();
            return;
        }

        // Starts before the writer, and so stops after it has put all clicks into the spool.
        services.AddPublishing();
        // With ClickHouse, statistics are answered from there, and all clicks get there as events.
        services.AddSingleton(provider =>
        {
            var store = servers.HasClickHouse ? null : provider.GetRequiredService<IClickSink>();
            return new SpoolingClickSink(provider.GetRequiredService<ClickSpool>(), provider.GetRequiredService<ClickPublisher>(), store);
        });
        services.AddHostedService(provider => ActivatorUtilities.CreateInstance<ClickWriter>(provider, provider.GetRequiredService<SpoolingClickSink>()));
    }
}
