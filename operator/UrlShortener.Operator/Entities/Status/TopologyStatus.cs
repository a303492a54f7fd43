using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>What the regions of a group agreed on last.</summary>
internal sealed record TopologyStatus
{
    /// <summary>Number of the decision.</summary>
    [Description("Number of the decision; it only goes up.")]
    public long? Epoch { get; init; }

    /// <summary>The region that takes writes.</summary>
    [Description("Region that takes writes.")]
    [Length(0, 63)]
    public string? PrimaryRegion { get; init; }

    /// <summary>Who wrote it down.</summary>
    [Description("Region whose operator committed the decision.")]
    [Length(0, 253)]
    public string? CommittedBy { get; init; }
}
