using UrlShortener.Contracts;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Decides the number of workers. Pure. It grows fast and shrinks slowly, so that it does not oscillate with the level.</summary>
internal static class WorkerCount
{
    /// <summary>
    /// Time between two additions while the level falls. Rates cover the last minute: earlier, they do not show the effect of the last addition.
    /// </summary>
    public static readonly TimeSpan RaiseInterval = TimeSpan.FromMinutes(1);

    /// <summary>Time without a need for a refill before each removal of a worker.</summary>
    public static readonly TimeSpan CalmInterval = TimeSpan.FromMinutes(5);

    /// <summary>The desired number of workers.</summary>
    /// <param name="spec">The specification of the pool.</param>
    /// <param name="current">Current desired number of workers; null: none yet.</param>
    /// <param name="reading">State of the service; null: unknown, which changes nothing.</param>
    /// <param name="history">Memory of the last reconcile.</param>
    /// <param name="now">The time.</param>
    public static (int Count, WorkerHistory History) Next(
        KeyPoolSpec spec,
        int? current,
        KeyGenerationStatus? reading,
        WorkerHistory history,
        DateTimeOffset now
    )
    {
        var (fewest, most) = (spec.Kgs.MinReplicas, Math.Max(spec.Kgs.MinReplicas, spec.Kgs.MaxReplicas));
        var count = Math.Clamp(current ?? fewest, fewest, most);
        if (reading?.Level is not { } level)
            return (count, history with { CalmSince = null });
        // More workers would only add load to a server that does not answer, and none fills the pool of a region that takes no changes.
        if (reading.State is KeyGenerationPhase.Failing or KeyGenerationPhase.Paused)
            return (count, history with { CalmSince = null });
        if (level < spec.CriticalWatermark)
            return (most, new WorkerHistory(now));
        if (KeyGenerationPhase.IsFilling(reading.State) || level < spec.LowWatermark)
        {
            var isFalling = reading.SecondsToExhaustion is not null;
            var mayRaise = history.RaisedAt is not { } raised || now - raised >= RaiseInterval;
            return isFalling && mayRaise && count < most ? (count + 1, new WorkerHistory(now)) : (count, history with { CalmSince = null });
        }

        var calmSince = history.CalmSince ?? now;
        return now - calmSince >= CalmInterval && count > fewest
            ? (count - 1, history with { CalmSince = now })
            : (count, history with { CalmSince = calmSince });
    }
}
