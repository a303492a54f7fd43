using Prometheus;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>Metrics of requests to API servers, under the names of Go's client-go where it has them.</summary>
internal static class ApiMetrics
{
    /// <summary>Requests to API servers. The code is <c>&lt;error&gt;</c> if there was no answer.</summary>
    public static readonly Counter Requests = Metrics.CreateCounter("rest_client_requests_total", "Requests to API servers.", "code", "method");

    /// <summary>Duration of requests to API servers; of a watch, until it was open.</summary>
    public static readonly Histogram RequestSeconds = Metrics.CreateHistogram(
        "rest_client_request_duration_seconds",
        "Duration of requests to API servers.",
        ["verb"],
        new HistogramConfiguration { Buckets = DurationBuckets.Seconds }
    );

    /// <summary>Writes by verb, kind and outcome: <c>written</c>, <c>unchanged</c>, <c>conflict</c>, <c>refused</c>, <c>stale</c>, <c>failed</c>.</summary>
    public static readonly Counter Writes = Metrics.CreateCounter(
        "shortener_operator_writes_total",
        "Writes to API servers by outcome.",
        "verb",
        "kind",
        "outcome"
    );
}
