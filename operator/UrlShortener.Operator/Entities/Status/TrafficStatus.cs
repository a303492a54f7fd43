using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>What is published to send visitors to a region.</summary>
internal sealed record TrafficStatus
{
    /// <summary>Null: not yet.</summary>
    [Description(
        "Whether pods of the app serve: false after three failed looks, true again after twelve good ones. Absent until they serve for the first time."
    )]
    public bool? Serves { get; init; }

    /// <summary>What the specification asks for.</summary>
    [Description("Weight that the specification asks for.")]
    public int? DesiredWeight { get; init; }

    /// <summary>What is published.</summary>
    [Description("Weight that is published; 0: no visitors are sent to the region.")]
    public int? EffectiveWeight { get; init; }

    /// <summary>Null: the region has visitors, or never served.</summary>
    [Description("Number of pods that the region had when visitors were last sent to it. Absent while they are.")]
    public int? LastPods { get; init; }

    /// <summary>Null: it is not.</summary>
    [Description("Since when the region is drained and keeps its visitors until the others have the pods for them, for at most 60 s.")]
    public DateTime? DrainedSince { get; init; }

    /// <summary>Null: none.</summary>
    [Description("Pods that the autoscaler is asked for beyond the minimum, for 30 minutes, because the visitors of regions that left come here.")]
    public int? SurgePods { get; init; }

    /// <summary>Host names of which the region's group is the publisher.</summary>
    [Description("Host names that are published for the region.")]
    [Length(0, 8)]
    [Each(0, 253)]
    [ListSet]
    public IReadOnlyList<string>? Hostnames { get; init; }

    /// <summary>Addresses or a host name.</summary>
    [Description("IP addresses or the host name of the region.")]
    [Length(0, 8)]
    [Each(0, 253)]
    [ListSet]
    public IReadOnlyList<string>? Targets { get; init; }

    /// <summary>When the weight or the targets last changed.</summary>
    [Description("Time at which the published weight or the targets last changed.")]
    public DateTime? LastChangeTime { get; init; }

    /// <summary>Whether another status says the same, the time aside.</summary>
    /// <param name="other">The other one; null: none.</param>
    public bool IsSame(TrafficStatus? other) =>
        other is not null
        && (Serves, DesiredWeight, EffectiveWeight) == (other.Serves, other.DesiredWeight, other.EffectiveWeight)
        && (LastPods, DrainedSince, SurgePods) == (other.LastPods, other.DrainedSince, other.SurgePods)
        && (Hostnames ?? []).SequenceEqual(other.Hostnames ?? [])
        && (Targets ?? []).SequenceEqual(other.Targets ?? []);
}
