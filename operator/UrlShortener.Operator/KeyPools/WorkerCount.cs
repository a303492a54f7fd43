using UrlShortener.Contracts;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.KeyPools;

/// <summary>How many workers a pool is to have. Pure. Goes up fast and down slowly, so that the number does not go to and fro with the level.</summary>
internal static class WorkerCount
{
    /// <summary>Time between two additions while the level falls. Rates are those of the last minute: before that, what the last one brought does not show.</summary>
    public static readonly TimeSpan RaiseInterval = TimeSpan.FromMinutes(1);

    /// <summary>How long the pool must have needed nothing before a worker is taken away, each time.</summary>
    public static readonly TimeSpan CalmInterval = TimeSpan.FromMinutes(5);

    /// <summary>The number of workers to have now.</summary>
    /// <param name="spec">The specification of the pool.</param>
    /// <param name="current">Workers that are wanted so far; null: none were yet.</param>
    /// <param name="reading">State of the service; null: not known, which changes nothing.</param>
    /// <param name="history">What was remembered at the last look.</param>
    /// <param name="now">The time.</param>
    public static (int Count, WorkerHistory History) Next(KeyPoolSpec spec, int? current, KeyGenerationStatus? reading, WorkerHistory history, DateTimeOffset now)
    {
        var (fewest, most) = (spec.Kgs.MinReplicas, Math.Max(spec.Kgs.MinReplicas, spec.Kgs.MaxReplicas));
        var count = Math.Clamp(current ?? fewest, fewest, most);
        if (reading?.Level is not { } level)
            return (count, history with { CalmSince = null });
        // More workers would only ask more of a server that does not answer.
        if (reading.State == KeyGenerationPhase.Failing)
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
        return now - calmSince >= CalmInterval && count > fewest ? (count - 1, history with { CalmSince = now }) : (count, history with { CalmSince = calmSince });
    }
}
