using System.Globalization;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Regions.Validation;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Rules of a KeyPool between fields; see <see cref="RegionRules"/>.</summary>
internal static class KeyPoolRules
{
    /// <summary>All problems; empty if the specification is valid.</summary>
    /// <param name="spec">The specification.</param>
    /// <param name="oldSpec">The specification that it replaces; null if the pool is new, or the old one is not known.</param>
    public static IReadOnlyList<SpecProblem> Check(KeyPoolSpec spec, KeyPoolSpec? oldSpec = null) =>
        [.. CheckIdentity(spec, oldSpec), .. CheckLevels(spec), .. CheckWorkers(spec.Kgs), .. ResourceRules.Check("spec.kgs.resources", spec.Kgs.Resources)];

    /// <summary>Whether a value of <see cref="Labels.OpenEpoch"/> is valid.</summary>
    public static bool TryReadEpoch(string value, out int epoch) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out epoch) && epoch is >= 1 and <= Limits.MaxEpoch;

    /// <summary>The problem of a new value of <see cref="Labels.OpenEpoch"/>; null: none.</summary>
    public static SpecProblem? CheckEpoch(string value) =>
        TryReadEpoch(value, out _)
            ? null
            : new SpecProblem(
                $"metadata.annotations[{Labels.OpenEpoch}]",
                $"is \"{Texts.Cut(value, 40)}\". Use a whole number from 1 to {Limits.MaxEpoch}: status.epoch + 1."
            );

    /// <summary>Warnings about values that are valid but probably unintended; sentences.</summary>
    public static IReadOnlyList<string> Warnings(KeyPoolSpec spec)
    {
        var warnings = new List<string>();
        if (spec.Kgs.Image is { } image && ImageNames.WarnAbout("spec.kgs.image", image) is { } warning)
            warnings.Add(warning);
        if (spec.Kgs.MinReplicas == 1)
            warnings.Add("spec.kgs.minReplicas is 1. Nothing fills the pool while its only worker is unavailable. Use 2 or more.");
        return warnings;
    }

    private static IEnumerable<SpecProblem> CheckIdentity(KeyPoolSpec spec, KeyPoolSpec? oldSpec)
    {
        if (oldSpec is not null && spec.RegionRef.Name != oldSpec.RegionRef.Name)
            yield return new("spec.regionRef.name", $"cannot be changed from {oldSpec.RegionRef.Name} to {spec.RegionRef.Name}. Create a new KeyPool instead.");
    }

    private static IEnumerable<SpecProblem> CheckLevels(KeyPoolSpec spec)
    {
        if (spec.CriticalWatermark >= spec.LowWatermark)
            yield return new(
                "spec.criticalWatermark",
                $"is {spec.CriticalWatermark}; it must be below lowWatermark ({spec.LowWatermark}). Lower it, or raise lowWatermark."
            );
        if (spec.LowWatermark >= spec.TargetAvailable)
            yield return new(
                "spec.lowWatermark",
                $"is {spec.LowWatermark}; it must be below targetAvailable ({spec.TargetAvailable}). Lower it, or raise targetAvailable."
            );
        else if (spec.BatchSize > spec.TargetAvailable - spec.LowWatermark)
        {
            yield return new(
                "spec.batchSize",
                $"is {spec.BatchSize}; it must be at most targetAvailable - lowWatermark ({spec.TargetAvailable - spec.LowWatermark}), or one batch "
                    + "overshoots the target. "
                    + "Lower batchSize or lowWatermark."
            );
        }

        if (spec.LeaseBlockSize > spec.CriticalWatermark)
        {
            yield return new(
                "spec.leaseBlockSize",
                $"is {spec.LeaseBlockSize}; it must be at most criticalWatermark ({spec.CriticalWatermark}), or one pod may take the last keys. Lower "
                    + "it, or raise criticalWatermark."
            );
        }
    }

    private static IEnumerable<SpecProblem> CheckWorkers(KgsSpec kgs)
    {
        if (kgs.MinReplicas > kgs.MaxReplicas)
            yield return new("spec.kgs.minReplicas", $"is {kgs.MinReplicas}, above spec.kgs.maxReplicas ({kgs.MaxReplicas}). Lower it, or raise maxReplicas.");
    }
}
