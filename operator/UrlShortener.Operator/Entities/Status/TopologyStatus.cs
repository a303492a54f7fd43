using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>The group of a region.</summary>
internal sealed record TopologyStatus
{
    /// <summary>The region that takes writes.</summary>
    [Description("Region that is the primary of the group.")]
    [Length(0, 63)]
    public string? PrimaryRegion { get; init; }
}
