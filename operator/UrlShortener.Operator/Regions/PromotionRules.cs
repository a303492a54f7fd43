using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions;

/// <summary>Checks requests to promote a region.</summary>
internal static class PromotionRules
{
    // Characters of a wrong value that a message quotes.
    private const int MaxQuoted = 60;

    /// <summary>
    /// The problem of a new value of <see cref="Labels.Promote"/> or <see cref="Labels.ForcePrimary"/>; null: none. An epoch of the past is not a problem: manifests in a repository may keep it. One
    /// of the future would move the role at a time that nobody chose.
    /// </summary>
    /// <param name="region">The region as it is stored.</param>
    /// <param name="value">The value.</param>
    /// <param name="annotation">Name of the annotation.</param>
    public static SpecProblem? CheckRequest(V1Alpha1ShortenerRegion region, string value, string annotation)
    {
        var field = $"metadata.annotations[{annotation}]";
        var name = region.Spec.Region;
        var current = region.Status?.Topology?.Epoch;
        var example = PrimaryRole.ValueOf(region, current ?? 1);
        if (PrimaryRole.EpochOf(region, value) is not { } epoch)
            return new SpecProblem(
                field,
                $"is \"{Texts.Cut(value, MaxQuoted)}\", which is not the name of this region, an @ and an epoch. To promote the region, use {name}@<status.topology.epoch>"
                    + $"{(current is null ? "" : $", which is {example} now")}."
            );
        return epoch > current
            ? new SpecProblem(field, $"is \"{Texts.Cut(value, MaxQuoted)}\", but the current epoch is {current}. To promote the region, use {example}.")
            : null;
    }
}
