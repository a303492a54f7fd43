using System.Reflection;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Telemetry;
using UrlShortener.Tracing;

namespace UrlShortener.Runtime.Tracing;

/// <summary>Registers traces. While they are off there is no service, no middleware and no listener.</summary>
internal static class TracingServices
{
    private const string Program = "url-shortener";

    // The client of the .NET libraries, for requests to the issuer of Bearer tokens. The exporter's own requests are left out by the library.
    private const string HttpClients = "System.Net.Http";

    /// <summary>Registers the export of spans if <c>Tracing:Endpoint</c> is set; the first of all services.</summary>
    public static void AddTracing(this IServiceCollection services, IConfiguration configuration)
    {
        RuntimeMetrics.Register(typeof(SpanMetrics));
        if (OptionsOf(configuration) is not { IsOn: true } options)
            return;
        var region = configuration.GetSection("Region").Get<RegionOptions>() ?? new RegionOptions();
        services.AddTraceExport(
            new TraceSettings(
                options,
                Program,
                typeof(TracingServices).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "",
                new Dictionary<string, object>
                {
                    ["url_shortener.region"] = region.Name,
                    ["url_shortener.role"] = Settings.RoleOf(configuration).ToString().ToLowerInvariant(),
                },
                [Spans.SourceName, HttpClients]
            ),
            configuration
        );
    }

    /// <summary>Adds the spans of requests. Before redirects, and before the headers of proxies replace the address of the connection.</summary>
    public static void UseTracing(this WebApplication app)
    {
        if (OptionsOf(app.Configuration).IsOn)
            app.UseMiddleware<TracingMiddleware>();
    }

    private static TracingOptions OptionsOf(IConfiguration configuration) => configuration.GetSection("Tracing").Get<TracingOptions>() ?? new TracingOptions();
}
