using System.Runtime.CompilerServices;
using Prometheus;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Failover;

/// <summary>Metrics of the agreement of regions, removed with the region.</summary>
internal static class FailoverMetrics
{
    private static readonly string[] Names = ["object_namespace", "name", "region"];
    private static readonly string[] Phases = [nameof(TopologyPhase.Stable), nameof(TopologyPhase.Fencing), nameof(TopologyPhase.Promoting)];

    private static readonly Gauge Epoch = Metrics.CreateGauge("shortener_region_epoch", "Number of the last decision about the primary role.", Names);
    private static readonly Gauge Phase = Metrics.CreateGauge(
        "shortener_region_phase",
        "1 for the phase of the move of the primary role.",
        [.. Names, "phase"]
    );
    private static readonly Gauge Voters = Metrics.CreateGauge(
        "shortener_region_voters",
        "Votes about the primary role in the group: those of its regions, and of a witness.",
        Names
    );
    private static readonly Gauge Answering = Metrics.CreateGauge("shortener_region_voters_answering", "Those of them that can be read.", Names);
    private static readonly Gauge Automatic = Metrics.CreateGauge(
        "shortener_region_failover_automatic",
        "1 while the primary role moves by itself if its region is lost.",
        Names
    );
    private static readonly Gauge Wanted = Metrics.CreateGauge(
        "shortener_region_failover_wanted",
        "1 if spec.failover.mode of the region is Automatic.",
        Names
    );
    private static readonly Gauge Took = Metrics.CreateGauge(
        "shortener_region_move_seconds",
        "Time from the decision about the last move until the new primary region took changes.",
        Names
    );

    /// <summary>Registers the metrics, so that a process without such a region tells of them too.</summary>
    public static void Prepare() => RuntimeHelpers.RunClassConstructor(typeof(FailoverMetrics).TypeHandle);

    /// <summary>Sets the metrics of a region.</summary>
    public static void Set(ObservedGroup group, FailoverMemory memory, IReadOnlyDictionary<string, VoterRead> reads, ConditionList conditions)
    {
        var labels = LabelsOf(group.Region);
        Wanted.WithLabels(labels).Set(group.Region.Spec.Failover.Mode == Entities.Spec.FailoverMode.Automatic ? 1 : 0);
        Automatic.WithLabels(labels).Set(conditions.IsTrue(ConditionTypes.AutomaticFailover) ? 1 : 0);
        if (memory.Known?.Value is not { } record)
            return;
        Epoch.WithLabels(labels).Set(record.Epoch);
        foreach (var phase in Phases)
            Phase.WithLabels([.. labels, phase]).Set(record.Phase.ToString() == phase ? 1 : 0);
        Voters.WithLabels(labels).Set(record.Voters.All.Count());
        Answering.WithLabels(labels).Set(record.Voters.All.Count(voter => reads.GetValueOrDefault(voter)?.Record is not null));
        if (record.TookMillis is { } took)
            Took.WithLabels(labels).Set(took / 1000.0);
    }

    /// <summary>Removes the metrics of a region.</summary>
    public static void Remove(V1Alpha1ShortenerRegion region)
    {
        var labels = LabelsOf(region);
        foreach (var gauge in new[] { Epoch, Voters, Answering, Automatic, Wanted, Took })
            gauge.RemoveLabelled(labels);
        foreach (var phase in Phases)
            Phase.RemoveLabelled([.. labels, phase]);
    }

    private static string[] LabelsOf(V1Alpha1ShortenerRegion region) => [region.Metadata.NamespaceProperty, region.Metadata.Name, region.Spec.Region];
}
