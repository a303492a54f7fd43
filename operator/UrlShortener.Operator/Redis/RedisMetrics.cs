using Prometheus;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Redis.Cluster;

namespace UrlShortener.Operator.Redis;

/// <summary>Metrics of the Redis of regions, removed with the region.</summary>
internal static class RedisMetrics
{
    private static readonly string[] Names = ["object_namespace", "name", "region"];
    private static readonly FailoverCause[] Causes = [.. Enum.GetValues<FailoverCause>().Where(cause => cause != FailoverCause.Planned)];
    private static readonly double[] Seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private static readonly Gauge State = Metrics.CreateGauge("shortener_redis_state", "1 for the current state of the region's Redis.", [.. Names, "state"]);
    private static readonly Gauge Nodes = Metrics.CreateGauge("shortener_redis_nodes", "Nodes that the specification asks for.", Names);
    private static readonly Gauge ReadyNodes = Metrics.CreateGauge("shortener_redis_nodes_ready", "Nodes that answer.", Names);
    private static readonly Gauge Slots = Metrics.CreateGauge("shortener_redis_slots_served", "Slots whose master answers, of 16384.", Names);
    private static readonly Gauge SlotsToMove = Metrics.CreateGauge(
        "shortener_redis_slots_to_move",
        "Slots that have to move to another shard, since the specification asks for other shards.",
        Names
    );
    private static readonly Counter SlotsMoved = Metrics.CreateCounter("shortener_redis_slots_moved_total", "Slots that moved to another shard.", Names);
    private static readonly Gauge PersistFails = Metrics.CreateGauge(
        "shortener_redis_persistence_failing",
        "Nodes that cannot write their append-only file.",
        Names
    );

    private static readonly Gauge PasswordCurrent = Metrics.CreateGauge(
        "shortener_redis_password_current",
        "0 while a former password of Redis is still valid.",
        Names
    );

    private static readonly Counter Failovers = Metrics.CreateCounter(
        "shortener_redis_failovers_total",
        "Changes of a shard's master, by cause.",
        [.. Names, "cause"]
    );

    private static readonly Histogram FailoverSeconds = Metrics.CreateHistogram(
        "shortener_redis_failover_seconds",
        "Time from the moment in which the operator found a master away until its successor served.",
        new HistogramConfiguration { LabelNames = Names, Buckets = Seconds }
    );

    private static readonly Counter Actions = Metrics.CreateCounter(
        "shortener_redis_actions_total",
        "Steps that the operator took at nodes, by kind and result.",
        [.. Names, "action", "result"]
    );

    /// <summary>A node answered a probe.</summary>
    public const string Answered = "answered";

    /// <summary>A node did not answer a probe in time.</summary>
    public const string Missed = "missed";

    /// <summary>Probes of nodes, by result.</summary>
    public static readonly Counter Probes = Metrics.CreateCounter("shortener_redis_probes_total", "Probes of nodes, by result.", "result");

    static RedisMetrics()
    {
        // So that a rate sees the first one.
        Probes.WithLabels(Answered);
        Probes.WithLabels(Missed);
    }

    private static readonly string[] States = [RedisState.Forming, RedisState.Ready, RedisState.Degraded, RedisState.Down, RedisState.QuorumLost];

    /// <summary>Sets the metrics of a region.</summary>
    public static void Set(V1Alpha1ShortenerRegion region, ClusterView view, RedisPlan plan, RedisStatus status, ConditionList conditions)
    {
        var labels = LabelsOf(region);
        foreach (var state in States)
            State.WithLabels([.. labels, state]).Set(status.State == state ? 1 : 0);
        Nodes.WithLabels(labels).Set(view.Pods.Count(pod => !pod.IsLeaving));
        SlotsToMove.WithLabels(labels).Set(plan.SlotsToMove);
        // So that a rate sees the first one.
        SlotsMoved.WithLabels(labels);
        ReadyNodes.WithLabels(labels).Set(status.ReadyNodes ?? 0);
        // A new cluster serves nothing yet, which is no failure.
        if (status.State == RedisState.Forming)
            Slots.RemoveLabelled(labels);
        else
            Slots.WithLabels(labels).Set(view.SlotsServed);
        PersistFails.WithLabels(labels).Set(view.Answering.Count(node => node.FailsToPersist));
        PasswordCurrent.WithLabels(labels).Set(conditions.Conditions.Any(one => one is { Type: ConditionTypes.RedisPasswordCurrent, Status: "False" }) ? 0 : 1);
        // So that a rate sees the first one.
        foreach (var cause in Causes)
            Failovers.WithLabels([.. labels, cause.ToString()]);
    }

    /// <summary>Counts a change of a master.</summary>
    public static void CountFailover(V1Alpha1ShortenerRegion region, RedisFailoverStatus failover)
    {
        Failovers.WithLabels([.. LabelsOf(region), failover.Cause!]).Inc();
        if (failover.DurationMillis is { } millis)
            FailoverSeconds.WithLabels(LabelsOf(region)).Observe(millis / 1000.0);
    }

    /// <summary>Counts slots that moved.</summary>
    public static void CountSlots(V1Alpha1ShortenerRegion region, int count) => SlotsMoved.WithLabels(LabelsOf(region)).Inc(count);

    /// <summary>Counts a step.</summary>
    public static void CountAction(V1Alpha1ShortenerRegion region, RedisAction action, bool succeeded) =>
        Actions.WithLabels([.. LabelsOf(region), action.GetType().Name, succeeded ? "done" : "failed"]).Inc();

    /// <summary>Removes the metrics of a region.</summary>
    public static void Remove(V1Alpha1ShortenerRegion region)
    {
        var labels = LabelsOf(region);
        foreach (var gauge in new[] { Nodes, ReadyNodes, Slots, SlotsToMove, PersistFails, PasswordCurrent })
            gauge.RemoveLabelled(labels);
        SlotsMoved.RemoveLabelled(labels);
        FailoverSeconds.RemoveLabelled(labels);
        foreach (var state in States)
            State.RemoveLabelled([.. labels, state]);
        foreach (var cause in Causes)
            Failovers.RemoveLabelled([.. labels, cause.ToString()]);
        foreach (var series in Actions.GetAllLabelValues().Where(values => values.Take(labels.Length).SequenceEqual(labels)))
            Actions.RemoveLabelled(series);
    }

    private static string[] LabelsOf(V1Alpha1ShortenerRegion region) => [region.Metadata.NamespaceProperty, region.Metadata.Name, region.Spec.Region];
}
