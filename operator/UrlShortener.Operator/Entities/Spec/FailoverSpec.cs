using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>How the group selects its primary region.</summary>
internal sealed record FailoverSpec
{
    /// <summary>The highest wins.</summary>
    [Description("The region with the highest priority is the primary of its group. If several regions have it, the oldest is.")]
    [Range(0, 100)]
    public int Priority { get; init; } = 50;
}
