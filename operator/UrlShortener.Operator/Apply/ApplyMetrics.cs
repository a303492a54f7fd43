using Prometheus;

namespace UrlShortener.Operator.Apply;

/// <summary>What the operator did about changes of its objects by others.</summary>
internal static class ApplyMetrics
{
    /// <summary>Another client changes an object back, and the operator reverts it less often.</summary>
    public const string Client = "client";

    /// <summary>The cluster changes an object whenever it is written, and the operator accepts the value.</summary>
    public const string Cluster = "cluster";

    /// <summary>Changes by others that were reverted, by kind.</summary>
    public static readonly Counter Reverts = Metrics.CreateCounter(
        "shortener_operator_reverts_total",
        "Changes of the operator's objects by other clients that it reverted.",
        "kind"
    );

    /// <summary>Objects that another client or the cluster changes again and again, by kind and by who does.</summary>
    public static readonly Counter Contests = Metrics.CreateCounter(
        "shortener_operator_contests_total",
        "Objects of the operator that another client or the cluster keeps changing.",
        "kind",
        "by"
    );

    /// <summary>Objects without an owner that were adopted, by kind.</summary>
    public static readonly Counter Adoptions = Metrics.CreateCounter(
        "shortener_operator_adoptions_total",
        "Objects of the operator that had lost their owner and were adopted.",
        "kind"
    );

    /// <summary>Creates the series of a kind, so that a rate sees their first change.</summary>
    public static void Prepare(string kind)
    {
        Reverts.WithLabels(kind);
        Contests.WithLabels(kind, Client);
        Contests.WithLabels(kind, Cluster);
        Adoptions.WithLabels(kind);
    }
}
