using Prometheus;

namespace UrlShortener.ControllerRuntime.Events;

/// <summary>What the writing of events reports.</summary>
internal static class EventMetrics
{
    /// <summary>Events that were not written, by cause: <c>rate</c>, <c>queue</c>, <c>refused</c>, <c>failed</c>.</summary>
    public static readonly Counter Dropped = Metrics.CreateCounter(
        "shortener_operator_events_dropped_total", "Events that were not written.", "cause");

    /// <summary>Events written, new ones and further ones of a series.</summary>
    public static readonly Counter Written = Metrics.CreateCounter("shortener_operator_events_written_total", "Events written.");
}
