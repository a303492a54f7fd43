namespace UrlShortener.Operator.Failover;

/// <summary>The probes of a region by this operator, with their times. Pure.</summary>
/// <param name="History">The history.</param>
/// <param name="At">When the last probe was counted; null: none was.</param>
/// <param name="BadSince">Since when the verdict is bad; null: it is not.</param>
/// <param name="GoodSince">Since when it is good and no probe has failed; null: the last one has.</param>
internal sealed record ProbeHistory(HealthHistory History, TimeSpan? At, TimeSpan? BadSince, TimeSpan? GoodSince = null)
{
    /// <summary>No probe yet.</summary>
    public static readonly ProbeHistory None = new(HealthHistory.None, null, null);

    /// <summary>Least time between two probes that count: looks that follow each other faster tell the same.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Failures in a row that make a region bad.</summary>
    public const int UnhealthyThreshold = 3;

    /// <summary>Successes in a row that make a bad region good.</summary>
    public const int HealthyThreshold = 12;

    /// <summary>The history with one more look.</summary>
    /// <param name="succeeded">What it saw.</param>
    /// <param name="now">The time.</param>
    public ProbeHistory Add(bool succeeded, TimeSpan now)
    {
        // A reconcile comes a little earlier or later than planned.
        if (now - At < 0.9 * Interval)
            return this;
        var next = History.Add(succeeded, UnhealthyThreshold, HealthyThreshold);
        return new ProbeHistory(
            next,
            now,
            next.Verdict == Verdict.Bad ? BadSince ?? now : null,
            succeeded && next.Verdict == Verdict.Good ? GoodSince ?? now : null
        );
    }
}
