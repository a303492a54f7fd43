using Prometheus;

namespace UrlShortener.Runtime.Statistics;

/// <summary>What exports of clicks report.</summary>
internal static class ExportMetrics
{
    private static readonly Counter Exports = Metrics.CreateCounter(
        "shortener_click_exports_total",
        "Exports of clicks that began to be sent, by how they ended.",
        "result"
    );

    /// <summary>All was sent.</summary>
    public static readonly Counter.Child Complete = Exports.WithLabels("complete");

    /// <summary>The client closed the connection.</summary>
    public static readonly Counter.Child Left = Exports.WithLabels("left");

    /// <summary>They exceeded their time.</summary>
    public static readonly Counter.Child TimedOut = Exports.WithLabels("timeout");

    /// <summary>The store failed, or clicks that it had counted were gone.</summary>
    public static readonly Counter.Child Failed = Exports.WithLabels("failed");

    /// <summary>Clicks that were written.</summary>
    public static readonly Counter Rows = Metrics.CreateCounter("shortener_click_export_rows_total", "Clicks that exports have written.");
}
