using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>How the group selects its primary region.</summary>
internal sealed record FailoverSpec
{
    /// <summary>The highest wins.</summary>
    [Description(
        "Which region becomes the primary of a group that has none: among the regions that are Ready the one with the highest priority, among equals the oldest. A change does not move the role; the annotation urlshortener.dev/promote does."
    )]
    [Range(0, 100)]
    public int Priority { get; init; } = 50;
}
