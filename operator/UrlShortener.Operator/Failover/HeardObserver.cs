namespace UrlShortener.Operator.Failover;

/// <summary>What an observer in another cluster told last, and when that was new. Pure.</summary>
/// <param name="Report">What it told.</param>
/// <param name="At">When a renewal was last seen, by the own clock: clocks of clusters need not agree.</param>
internal sealed record HeardObserver(ObserverReport Report, TimeSpan At)
{
    /// <summary>How long an observer that is silent counts. Longer than three renewals.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(17);

    /// <summary>What is known after a look; null: nothing yet.</summary>
    /// <param name="former">What was known.</param>
    /// <param name="report">What was read; null: nothing.</param>
    /// <param name="now">The time.</param>
    public static HeardObserver? Learn(HeardObserver? former, ObserverReport? report, TimeSpan now) =>
        report is null || report.Version == former?.Report.Version ? former : new HeardObserver(report, now);

    /// <summary>Whether it has not been heard of for too long.</summary>
    /// <param name="now">The time.</param>
    public bool IsSilent(TimeSpan now) => now - At >= Life;

    /// <summary>The one of several ways on which an observer was heard of last; null: none.</summary>
    public static HeardObserver? Latest(params IEnumerable<HeardObserver?> ways) => ways.OfType<HeardObserver>().MaxBy(way => way.At);

    /// <summary>Its verdict about a region. One that is silent has none.</summary>
    /// <param name="region">Name of the region.</param>
    /// <param name="now">The time.</param>
    public Verdict VerdictOf(string region, TimeSpan now) => IsSilent(now) ? Verdict.Unknown : Report.Verdicts.GetValueOrDefault(region);
}
