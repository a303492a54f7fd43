using Prometheus;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.QrCodes;

/// <summary>Metrics of QR codes: the time to draw them and the results of requests.</summary>
internal static class QrCodeMetrics
{
    /// <summary>Time to draw a picture; the count is the number of pictures drawn.</summary>
    public static readonly Histogram RenderSeconds = Metrics.CreateHistogram(
        "shortener_qr_render_seconds",
        "Time to draw a QR code.",
        new HistogramConfiguration { Buckets = RuntimeMetrics.LatencyBuckets }
    );

    private static readonly Counter Requests = Metrics.CreateCounter(
        "shortener_qr_requests_total",
        "Requests for QR codes of links that exist: rendered, cached, head and not_modified (answered without a picture), limited (429) and busy (503).",
        "result"
    );

    /// <summary>Drawn for this request.</summary>
    public static readonly Counter.Child Rendered = Requests.WithLabels("rendered");

    /// <summary>Answered from memory.</summary>
    public static readonly Counter.Child Cached = Requests.WithLabels("cached");

    /// <summary>HEAD for a picture that is not in memory.</summary>
    public static readonly Counter.Child Head = Requests.WithLabels("head");

    /// <summary>The client already has the picture.</summary>
    public static readonly Counter.Child NotModified = Requests.WithLabels("not_modified");

    /// <summary>Refused: too many new pictures from this address.</summary>
    public static readonly Counter.Child Limited = Requests.WithLabels("limited");

    /// <summary>Refused: too many pictures are waiting to be drawn.</summary>
    public static readonly Counter.Child Busy = Requests.WithLabels("busy");
}
