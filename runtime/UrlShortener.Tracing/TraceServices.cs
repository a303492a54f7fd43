using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Console;

namespace UrlShortener.Tracing;

/// <summary>Registers the export of spans.</summary>
public static class TraceServices
{
    private const string IncludeScopes = "Logging:Console:FormatterOptions:IncludeScopes";

    /// <summary>Adds the export, and the identifiers of the trace to log lines. The first of the hosted services, so that it stops last.</summary>
    public static void AddTraceExport(this IServiceCollection services, TraceSettings settings, IConfiguration configuration)
    {
        services.AddSingleton(settings);
        services.AddHostedService<TraceExport>();
        services.Configure<LoggerFactoryOptions>(options => options.ActivityTrackingOptions = ActivityTrackingOptions.TraceId | ActivityTrackingOptions.SpanId);
        if (!string.IsNullOrEmpty(configuration[IncludeScopes]))
            return;
        // The identifiers are in a scope.
        services.PostConfigure<SimpleConsoleFormatterOptions>(format => format.IncludeScopes = true);
        services.PostConfigure<JsonConsoleFormatterOptions>(format => format.IncludeScopes = true);
        services.PostConfigure<ConsoleFormatterOptions>(format => format.IncludeScopes = true);
    }
}
