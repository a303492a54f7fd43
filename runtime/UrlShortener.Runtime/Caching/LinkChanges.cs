using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Caching;

/// <summary>Tells every cache of a committed change: this process' at once, the shared tier and the other processes within the tier's time limit.</summary>
internal sealed class LinkChanges(LinkCache cache, ISharedLinkCache shared, KeyEpoch epoch)
{
    /// <summary>Called after a change or a deletion was committed. What cannot be told now, the change feed tells later.</summary>
    public async ValueTask AnnounceAsync(LinkVersion change, CancellationToken cancellationToken)
    {
        cache.Invalidate(change.ShortCode, change.Version);
        await shared.InvalidateAsync(change, cancellationToken);
    }

    /// <summary>Called after the creation of an alias was committed: somebody may have asked for it before it existed, and caches remember that it did not.</summary>
    // The store told the epoch with its answer.
    public ValueTask AnnounceCreationAsync(string shortCode, CancellationToken cancellationToken) =>
        AnnounceAsync(new LinkVersion(shortCode, new StateVersion(epoch.Current, 1)), cancellationToken);
}
