using Prometheus;

namespace UrlShortener.Runtime.Clicks.Results;

/// <summary>What the load of Flink's results reports.</summary>
internal static class ResultMetrics
{
    /// <summary>Whether something does not work.</summary>
    public static readonly Gauge Failing = Metrics.CreateGauge(
        "shortener_click_results_failing",
        "1 while Kafka does not answer, or results of the Flink job cannot be stored."
    );

    /// <summary>Time of the newest click in the sums per minute.</summary>
    public static readonly Gauge Newest = Metrics.CreateGauge(
        "shortener_click_results_newest_timestamp_seconds",
        "Unix time of the newest click in the results of the Flink job that this process stored, at first the time of its start; 0: it loads none."
    );

    private static readonly Counter Stored = Metrics.CreateCounter(
        "shortener_click_results_stored_total",
        "Results of the Flink job that were stored, by kind.",
        "kind"
    );

    private static readonly Counter Rejected = Metrics.CreateCounter(
        "shortener_click_results_rejected_total",
        "Records in the topics of Flink's results that are no results, by kind.",
        "kind"
    );

    private static readonly Counter Floods = Metrics.CreateCounter(
        "shortener_click_floods_total",
        "Minutes in which a link, or a visitor, was far above the usual rate, by what it was.",
        "of"
    );

    static ResultMetrics()
    {
        foreach (var kind in Enum.GetValues<ResultKind>())
        {
            Stored.WithLabels(NameOf(kind));
            Rejected.WithLabels(NameOf(kind));
        }

        Floods.WithLabels("link");
        Floods.WithLabels("visitor");
    }

    /// <summary>Counts a record that is no result.</summary>
    public static void CountRejected(ResultKind kind) => Rejected.WithLabels(NameOf(kind)).Inc();

    /// <summary>Counts rows that were stored.</summary>
    public static void CountStored(ResultKind kind, IReadOnlyList<ResultRow> rows)
    {
        Stored.WithLabels(NameOf(kind)).Inc(rows.Count);
        if (kind == ResultKind.Minutes)
            Newest.IncTo(rows.Max(row => row.LastAt.ToUnixTimeMilliseconds()) / 1000.0);
        else if (kind == ResultKind.Floods)
            rows.ToList().ForEach(row => Floods.WithLabels(row.Visitor.Length == 0 ? "link" : "visitor").Inc());
    }

    private static string NameOf(ResultKind kind) => kind.ToString().ToLowerInvariant();
}
