namespace UrlShortener.Runtime.Links;

/// <summary>Recent changes. An entry is written in the transaction of its change and replicated with it: where the entry is visible, so is the
/// change.</summary>
internal interface ILinkChangeLog
{
    /// <summary>
    /// Changes not older than <paramref name="age"/> by the store's clock, in no particular order, and the epoch in force. Read from the nearest replica. A
    /// change may appear up to the write timeout after its moment, so callers read with an overlap.
    /// </summary>
    Task<RecentChanges> ReadAsync(TimeSpan age, CancellationToken cancellationToken);

    /// <summary>Forgets changes older than <paramref name="age"/>; returns how many.</summary>
    Task<int> DeleteAsync(TimeSpan age, CancellationToken cancellationToken);
}

/// <summary>One read of the log.</summary>
/// <param name="Epoch">The epoch in force at the time of the read; 0 before any was opened.</param>
/// <param name="Changes">What changed.</param>
internal readonly record struct RecentChanges(int Epoch, IReadOnlyList<LoggedChange> Changes)
{
    /// <summary>How far the read was behind the region that takes changes: a change of that time was not visible yet. Zero in that region itself.</summary>
    public TimeSpan Behind { get; init; }
}

/// <summary>One entry of the log.</summary>
/// <param name="Id">Unique in the log.</param>
/// <param name="Change">The link and the version that it reached.</param>
internal readonly record struct LoggedChange(long Id, LinkVersion Change);
