using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>How the group selects its primary region, and when the role moves. All but the priority is that of the region which is the primary.</summary>
internal sealed record FailoverSpec
{
    /// <summary>The highest wins.</summary>
    [Description(
        "Order of the regions: the highest priority that can have the primary role gets it, among equals the oldest of a new group, later the one that lacks least. A change does not move the role; the annotation urlshortener.dev/promote does."
    )]
    [Range(0, 100)]
    public int Priority { get; init; } = 50;

    /// <summary>One of <see cref="FailoverMode"/>.</summary>
    [Description(
        "Manual: the role moves when somebody asks for it. Automatic: it also moves by itself when the primary region is lost. Then the database takes writes only while it reaches most of the group's votes in the API servers, and is read-only 20 s after it last did. For regions whose PostgreSQL the operator runs."
    )]
    [OneOf(FailoverMode.Manual, FailoverMode.Automatic)]
    public string Mode { get; init; } = FailoverMode.Manual;

    /// <summary>Seconds.</summary>
    [Description(
        "Seconds for which the primary region must be found lost, after three failed looks within 15 s, before its role moves by itself. With less than 20, the role may move although PostgreSQL is about to fail over inside the region."
    )]
    [Range(0, 3_600)]
    public int DelaySeconds { get; init; } = 20;

    /// <summary>Seconds.</summary>
    [Description("Least number of seconds between two moves that nobody asked for.")]
    [Range(60, 86_400)]
    public int CooldownSeconds { get; init; } = 1_800;

    /// <summary>A number of moves.</summary>
    [Description("Most moves within 24 hours that nobody asked for.")]
    [Range(1, 24)]
    public int MaxMovesPerDay { get; init; } = 2;

    /// <summary>Bytes of the write-ahead log.</summary>
    [Description("Most changes of the primary region, in bytes of its write-ahead log, that a region may lack to get the role of one that is lost.")]
    public ResourceQuantity MaxLag { get; init; } = new("16Mi");

    /// <summary>One of <see cref="DataLossPolicies"/>.</summary>
    [Description(
        "What happens when the primary region is lost and the others lack more changes than maxLag, or nobody knows how many. Forbid: nothing, until somebody decides. Allow: the role moves, and those changes are lost."
    )]
    [OneOf(DataLossPolicies.Forbid, DataLossPolicies.Allow)]
    public string DataLossPolicy { get; init; } = DataLossPolicies.Forbid;

    /// <summary>When the role goes back.</summary>
    [Description("When the role goes back to the region that it was moved away from by itself or by drain.")]
    public FailbackSpec Failback { get; init; } = new();

    /// <summary>A cluster that only votes; null: none.</summary>
    [Description(
        "A further cluster that only votes, for a group whose regions are in two clusters: the loss of one of the two then leaves most votes. It runs no region, no operator and no database. The same in all regions of the group; otherwise the condition WitnessVotes says so, and the votes stay as they are."
    )]
    public WitnessSpec? Witness { get; init; }
}

/// <summary>Values of <see cref="FailoverSpec.Mode"/>. Strings, so that an operator can read a value that its version does not define; it counts as Manual.</summary>
internal static class FailoverMode
{
    /// <summary>The role moves when somebody asks for it.</summary>
    public const string Manual = nameof(Manual);

    /// <summary>It also moves by itself.</summary>
    public const string Automatic = nameof(Automatic);
}

/// <summary>Values of <see cref="FailoverSpec.DataLossPolicy"/>.</summary>
internal static class DataLossPolicies
{
    /// <summary>No region gets the role that lacks too much.</summary>
    public const string Forbid = nameof(Forbid);

    /// <summary>One may.</summary>
    public const string Allow = nameof(Allow);
}
