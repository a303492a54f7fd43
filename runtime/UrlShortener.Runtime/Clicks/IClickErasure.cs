using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Clicks;

/// <summary>Erases the clicks of deleted links from the server of statistics, if there is one besides the store.</summary>
internal interface IClickErasure
{
    /// <summary>
    /// Erases the clicks and sums of some deleted links; returns of how many links, 0 when nothing is due. A link is done when nothing of it is left, and looked
    /// at once more some minutes later, since a click may have been under way.
    /// </summary>
    /// <exception cref="DependencyException">The server does not work, or has not finished. What is left is due again some minutes later.</exception>
    Task<int> EraseDueAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The same for the deleted links of one user alone, also for those that another process has taken and not finished: when it returns 0, nothing is left of
    /// any. Deletions of others that do not finish are no reason to fail.
    /// </summary>
    /// <exception cref="DependencyException">The server does not work, or has not finished. What is left is due again some minutes later.</exception>
    Task<int> EraseOfUserAsync(long userId, CancellationToken cancellationToken);

    /// <summary>How long the clicks of a deleted link have been overdue, the longest; zero: none is.</summary>
    Task<TimeSpan> ReadDelayAsync(CancellationToken cancellationToken);

    /// <summary>Begins to remove from the disk what was erased longer than <paramref name="age"/> ago and is still there.</summary>
    Task PurgeAsync(TimeSpan age, CancellationToken cancellationToken);
}
