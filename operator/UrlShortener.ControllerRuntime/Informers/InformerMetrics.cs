using Prometheus;

namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>Metrics of informers.</summary>
internal static class InformerMetrics
{
    /// <summary>Lists by informers, by kind.</summary>
    public static readonly Counter Lists = Metrics.CreateCounter("shortener_operator_informer_lists_total", "Lists by informers.", "kind");

    /// <summary>Watches that ended, by kind and cause: <c>end</c>, <c>idle</c>, <c>gone</c>, <c>undecodable</c>, <c>not_served</c>, <c>error</c>.</summary>
    public static readonly Counter WatchEnds = Metrics.CreateCounter(
        "shortener_operator_informer_watch_ends_total",
        "Ended watches of informers.",
        "kind",
        "cause"
    );

    /// <summary>Objects in an informer's cache.</summary>
    public static readonly Gauge CachedObjects = Metrics.CreateGauge("shortener_operator_informer_objects", "Objects in an informer's cache.", "kind");

    /// <summary>Objects that could not be decoded; the cache keeps their last known state.</summary>
    public static readonly Counter Undecodable = Metrics.CreateCounter(
        "shortener_operator_informer_undecodable_total",
        "Objects that informers could not decode.",
        "kind"
    );

    /// <summary>Creates the series of a kind, so that a rate sees their first change.</summary>
    public static void Prepare(string kind)
    {
        Lists.WithLabels(kind);
        CachedObjects.WithLabels(kind);
        Undecodable.WithLabels(kind);
        foreach (var end in Enum.GetValues<WatchEnd>())
            WatchEnds.WithLabels(kind, NameOf(end));
    }

    /// <summary>Value of the label <c>cause</c>.</summary>
    public static string NameOf(WatchEnd end) =>
        end switch
        {
            WatchEnd.End => "end",
            WatchEnd.Idle => "idle",
            WatchEnd.Gone => "gone",
            WatchEnd.Undecodable => "undecodable",
            WatchEnd.NotServed => "not_served",
            _ => "error",
        };
}
