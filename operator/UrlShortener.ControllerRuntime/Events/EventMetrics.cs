using Prometheus;

namespace UrlShortener.ControllerRuntime.Events;

/// <summary>Metrics of writing events.</summary>
internal static class EventMetrics
{
    /// <summary>Dropped events, by cause: <c>rate</c>, <c>queue</c>, <c>refused</c>, <c>failed</c>.</summary>
    public static readonly Counter Dropped = Metrics.CreateCounter("shortener_operator_events_dropped_total", "Dropped events.", "cause");

    /// <summary>Creates the series of every cause, so that a rate sees the first event that is dropped.</summary>
    public static void Prepare()
    {
        foreach (var cause in new[] { "rate", "queue", "refused", "failed" })
            Dropped.WithLabels(cause);
    }

    /// <summary>Written events: new ones and updates of a series.</summary>
    public static readonly Counter Written = Metrics.CreateCounter("shortener_operator_events_written_total", "Events written.");
}
