using System.Diagnostics;
using System.Globalization;
using Prometheus;

namespace UrlShortener.Runtime.Telemetry;

/// <summary>Counts and times API requests by endpoint. Redirects count themselves; probes and metrics are not traffic.</summary>
internal sealed class ApiMetricsMiddleware(RequestDelegate next)
{
    private static readonly Histogram Seconds = Metrics.CreateHistogram(
        "shortener_api_request_seconds",
        "Time to answer an API request.",
        new HistogramConfiguration { LabelNames = ["endpoint", "method", "code"], Buckets = RuntimeMetrics.LatencyBuckets }
    );

    /// <summary>Passes the request on and measures it.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            // The route's pattern, never the path: one series per endpoint, not per code.
            var endpoint = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "none";
            var method = endpoint == "none" ? "any" : context.Request.Method;
            Seconds
                .WithLabels(endpoint, method, context.Response.StatusCode.ToString(CultureInfo.InvariantCulture))
                .Observe(Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
    }
}
