using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Caching;

/// <summary>Announces a change to this process' cache at once, and to the shared tier and the other processes within the tier's time limit. The change feed
/// repairs what fails.</summary>
internal sealed class LinkChangePublisher(LinkCache cache, ISharedLinkCache shared, KeyEpoch epoch) : ILinkChangePublisher
{
    /// <inheritdoc />
    public async ValueTask PublishAsync(LinkVersion change, CancellationToken cancellationToken)
    {
        cache.Invalidate(change.ShortCode, change.Version);
        await shared.InvalidateAsync(change, cancellationToken);
    }

    /// <inheritdoc />
    // The store returned the epoch with its answer.
    public ValueTask PublishCreationAsync(string shortCode, CancellationToken cancellationToken) =>
        PublishAsync(new LinkVersion(shortCode, new StateVersion(epoch.Current, 1)), cancellationToken);
}
