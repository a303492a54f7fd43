using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Loading;

/// <summary>
/// Decides the number of loaders. Pure. It grows fast and shrinks slowly: with each change the partitions are shared out again, which holds up the load for
/// some seconds.
/// </summary>
internal static class LoaderCount
{
    /// <summary>How long an event may wait before loaders are added.</summary>
    public static readonly TimeSpan LongDelay = TimeSpan.FromMinutes(1);

    /// <summary>How long an event may wait while loaders are removed.</summary>
    public static readonly TimeSpan ShortDelay = TimeSpan.FromSeconds(15);

    /// <summary>Time between two additions: earlier, the delay does not show the effect of the last one.</summary>
    public static readonly TimeSpan RaiseInterval = TimeSpan.FromMinutes(1);

    /// <summary>Time with short delays before each removal of a loader.</summary>
    public static readonly TimeSpan CalmInterval = TimeSpan.FromMinutes(10);

    /// <summary>The desired number of loaders.</summary>
    /// <param name="spec">Their specification.</param>
    /// <param name="current">Current desired number; null: none yet.</param>
    /// <param name="reading">What they say; null: nothing, which changes nothing.</param>
    /// <param name="history">Memory of the last reconcile.</param>
    /// <param name="now">The time.</param>
    public static (int Count, LoaderHistory History) Next(LoadersSpec spec, int? current, LoadReading? reading, LoaderHistory history, DateTimeOffset now)
    {
        var (fewest, most) = (spec.MinReplicas, Math.Max(spec.MinReplicas, spec.MaxReplicas));
        var count = Math.Clamp(current ?? fewest, fewest, most);
        // More loaders would only add load to a server that does not answer.
        if (reading is null || reading.IsFailing || !reading.IsReachable)
            return (count, history with { CalmSince = null });
        if (reading.Delay > LongDelay)
        {
            var mayRaise = history.RaisedAt is not { } raised || now - raised >= RaiseInterval;
            // A loader without a partition does nothing.
            return mayRaise && count < most && count < reading.Partitions ? (count + 1, new LoaderHistory(now)) : (count, history with { CalmSince = null });
        }

        if (reading.Delay > ShortDelay)
            return (count, history with { CalmSince = null });
        var calmSince = history.CalmSince ?? now;
        return now - calmSince >= CalmInterval && count > fewest
            ? (count - 1, history with { CalmSince = now })
            : (count, history with { CalmSince = calmSince });
    }
}

/// <summary>Memory of <see cref="LoaderCount"/> between reconciles. It may be lost: then loaders stay a little longer.</summary>
/// <param name="RaisedAt">When a loader was last added; null: not since the start.</param>
/// <param name="CalmSince">Since when delays have been short, or when a loader was last removed; null: they are not.</param>
internal sealed record LoaderHistory(DateTimeOffset? RaisedAt = null, DateTimeOffset? CalmSince = null);
