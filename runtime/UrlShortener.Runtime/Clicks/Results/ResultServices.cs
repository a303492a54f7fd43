using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Clicks.Results;

/// <summary>Registers the load of the results of the Flink job.</summary>
internal static class ResultServices
{
    /// <summary>Registers what receives results and stores them, if they are to be loaded.</summary>
    public static void AddResults(this IServiceCollection services, IConfiguration configuration)
    {
        RuntimeMetrics.Register(typeof(ResultMetrics));
        if (configuration.GetValue<bool>("Clicks:LoadResults"))
            services.AddHostedService<ResultLoader>();
    }
}
