namespace UrlShortener.Operator.Backups;

/// <summary>What the primary says about archiving (<c>pg_stat_archiver</c> and the files of <c>archive_status</c>).</summary>
/// <param name="Now">The primary's clock.</param>
/// <param name="Timeline">Its timeline.</param>
/// <param name="LastArchived">The last segment that it archived; null: none since the statistics began.</param>
/// <param name="LastArchivedAt">When.</param>
/// <param name="LastArchivedUpTo">When that segment was complete: what was committed before is in the archive; null: not known any more.</param>
/// <param name="LastFailedAt">When an attempt failed last; null: none has.</param>
/// <param name="Waiting">Segments that wait.</param>
/// <param name="WaitingSince">Since when the oldest does; null: none waits.</param>
internal sealed record ArchiverState(
    DateTimeOffset Now,
    int Timeline,
    string? LastArchived,
    DateTimeOffset? LastArchivedAt,
    DateTimeOffset? LastArchivedUpTo,
    DateTimeOffset? LastFailedAt,
    int Waiting,
    DateTimeOffset? WaitingSince
)
{
    /// <summary>How long a segment may wait while the last attempt failed.</summary>
    public static readonly TimeSpan FailingLimit = TimeSpan.FromSeconds(30);

    /// <summary>How long a segment may wait in any case.</summary>
    public static readonly TimeSpan WaitingLimit = TimeSpan.FromMinutes(3);

    /// <summary>How long the oldest segment has waited.</summary>
    public TimeSpan Delay => WaitingSince is { } since && since < Now ? Now - since : TimeSpan.Zero;

    /// <summary>Whether segments do not reach the archive in time.</summary>
    public bool IsStalled => Delay > (LastFailedAt is not null && !(LastArchivedAt > LastFailedAt) ? FailingLimit : WaitingLimit);
}
