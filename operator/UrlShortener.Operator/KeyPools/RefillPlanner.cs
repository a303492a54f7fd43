using UrlShortener.Contracts;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Whether a pool is to be filled now. Pure. The service begins by itself below the low watermark; this is for all else, and for when it does not.</summary>
internal static class RefillPlanner
{
    /// <summary>A pool that would be empty within this time is filled, whatever its level: twice what new workers and a full fill take.</summary>
    public static readonly TimeSpan LeadTime = TimeSpan.FromMinutes(10);

    /// <summary>Share of the target from which on a pool counts as full: codes are taken while it is looked at.</summary>
    public const double Full = 0.95;

    /// <summary>Whether the pool has its target, as far as it can be told.</summary>
    public static bool IsFull(long level, int target) => level >= target * Full;

    /// <summary>Whether the worker that gave the reading is to be told to fill the pool.</summary>
    /// <param name="spec">The specification of the pool.</param>
    /// <param name="filledTo">Target that the pool was last seen filled to; null: none yet.</param>
    /// <param name="reading">What the worker said; null: nothing.</param>
    public static bool MustRefill(KeyPoolSpec spec, int? filledTo, KeyGenerationStatus? reading)
    {
        // One that fails goes on by itself when it can; one of the old specification would fill to the wrong level.
        if (reading is not { State: KeyGenerationPhase.Idle, Level: { } level } || reading.TargetLevel != spec.TargetAvailable || IsFull(level, spec.TargetAvailable))
            return false;
        return level < spec.LowWatermark
            || filledTo != spec.TargetAvailable
            || reading.SecondsToExhaustion < LeadTime.TotalSeconds;
    }
}
