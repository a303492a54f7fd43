using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Caching;

/// <summary>Tells every cache of a committed change: this process' at once, the shared tier and the other processes within the tier's time limit.</summary>
internal sealed class LinkChanges(LinkCache cache, ISharedLinkCache shared)
{
    /// <summary>Called after a change, a deletion or the creation of an alias was committed. What cannot be told now, the change feed tells later.</summary>
    public async ValueTask AnnounceAsync(LinkVersion change, CancellationToken cancellationToken)
    {
        cache.Invalidate(change.ShortCode, change.Version);
        await shared.InvalidateAsync(change, cancellationToken);
    }
}
