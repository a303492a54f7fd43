using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>The group of a region. Every region of the group has the same record; the one with the highest epoch is valid.</summary>
internal sealed record TopologyStatus
{
    /// <summary>The region that takes writes; null: there is none yet, or the group has one region.</summary>
    [Description("Region that is the primary of the group. Absent while the group has one region, or no region that is or was Ready.")]
    [Length(0, 63)]
    public string? PrimaryRegion { get; init; }

    /// <summary>Increased by each move of the role.</summary>
    [Description("Number of the decision about the primary; each move of the role increases it. The annotation urlshortener.dev/promote names it.")]
    [Range(0, 2_000_000_000)]
    public long? Epoch { get; init; }

    /// <summary>When the role moved.</summary>
    [Description("Time at which the region became the primary.")]
    public DateTime? Since { get; init; }

    /// <summary>One of the reasons of the operator.</summary>
    [Description("Why the region is the primary: FirstReady, PromotionRequested, PrimaryGone or KeptPrimary.")]
    [Length(0, 64)]
    public string? Reason { get; init; }

    /// <summary>The reason, for people.</summary>
    [Description("The reason as a sentence.")]
    [Length(0, 1024)]
    public string? Message { get; init; }
}
