using UrlShortener.Contracts;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Decides whether to refill a pool now. Pure. The service starts by itself below the low watermark; this covers all other cases.</summary>
internal static class RefillPlanner
{
    /// <summary>A pool that will be empty within this time is refilled at any level: twice the time for new workers and a full refill.</summary>
    public static readonly TimeSpan LeadTime = TimeSpan.FromMinutes(10);

    /// <summary>Share of the target at which a pool counts as full: the app takes keys all the time.</summary>
    public const double Full = 0.95;

    /// <summary>Whether the pool counts as full.</summary>
    public static bool IsFull(long level, int target) => level >= target * Full;

    /// <summary>Whether to command a refill to the worker that gave the reading.</summary>
    /// <param name="spec">The specification of the pool.</param>
    /// <param name="filledTo">Target to which the pool was last filled; null: never.</param>
    /// <param name="reading">The answer of the worker; null: none.</param>
    public static bool MustRefill(KeyPoolSpec spec, int? filledTo, KeyGenerationStatus? reading)
    {
        // A failing worker resumes by itself; one with the old specification would fill to the wrong level.
        if (
            reading is not { State: KeyGenerationPhase.Idle, Level: { } level }
            || reading.TargetLevel != spec.TargetAvailable
            || IsFull(level, spec.TargetAvailable)
        )
            return false;
        return level < spec.LowWatermark || filledTo != spec.TargetAvailable || reading.SecondsToExhaustion < LeadTime.TotalSeconds;
    }
}
