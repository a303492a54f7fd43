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

    private static readonly Counter Writes = Metrics.CreateCounter(
        "shortener_operator_writes_total",
        "Writes to API servers by outcome.",
        "verb",
        "kind",
        "outcome"
    );

    private static readonly string[] Outcomes = ["written", "unchanged", "conflict", "refused", "stale", "failed"];

    /// <summary>Counts a write. The first one of a kind creates the series of every outcome.</summary>
    public static void CountWrite(string verb, string kind, string outcome)
    {
        foreach (var possible in Outcomes)
            Writes.WithLabels(verb, kind, possible);
        Writes.WithLabels(verb, kind, outcome).Inc();
    }
}
