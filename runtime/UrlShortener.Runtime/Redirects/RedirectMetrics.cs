using Prometheus;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Redirects;

/// <summary>Metrics of redirects.</summary>
internal static class RedirectMetrics
{
    private static readonly Counter Redirects = Metrics.CreateCounter("shortener_redirects_total", "Requests for a short URL by result.", "result");

    /// <summary>Redirected to the target.</summary>
    public static readonly Counter.Child Found = Redirects.WithLabels("found");

    /// <summary>404.</summary>
    public static readonly Counter.Child NotFound = Redirects.WithLabels("not_found");

    /// <summary>405.</summary>
    public static readonly Counter.Child NotAllowed = Redirects.WithLabels("method_not_allowed");

    /// <summary>410.</summary>
    public static readonly Counter.Child Expired = Redirects.WithLabels("expired");

    /// <summary>451.</summary>
    public static readonly Counter.Child Blocked = Redirects.WithLabels("blocked");

    /// <summary>503.</summary>
    public static readonly Counter.Child Failed = Redirects.WithLabels("failed");

    /// <summary>Time to answer, found or not.</summary>
    public static readonly Histogram Seconds = Metrics.CreateHistogram(
        "shortener_redirect_seconds",
        "Time to answer a request for a short URL.",
        new HistogramConfiguration { Buckets = RuntimeMetrics.LatencyBuckets }
    );
}
