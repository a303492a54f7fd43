using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Links;

/// <summary>Changes links within their owner's quota, and tells the caches.</summary>
internal sealed class LinkUpdater(ILinkStore store, StorageQuota quota, LinkChanges changes)
{
    /// <summary>Changes a link of a user. A change that does not make it larger is never refused for the quota's sake.</summary>
    /// <returns>What became of it, or why it does not fit.</returns>
    public async Task<(LinkChangeResult Result, string? OverQuota)> UpdateAsync(string shortCode, User user, LinkChange change, CancellationToken cancellationToken)
    {
        var growth = await GrowthAsync(shortCode, user, change, cancellationToken);
        using var grant = growth > 0 ? await quota.TakeAsync(user, [growth], cancellationToken) : StorageGrant.Unlimited;
        if (!grant.HasAll)
            return (default, grant.OverQuota.Explain(growth));
        var result = await store.UpdateAsync(shortCode, user.Id, change, cancellationToken);
        if (result.Outcome == LinkChangeOutcome.Done)
            await changes.AnnounceAsync(new LinkVersion(shortCode, result.Version), cancellationToken);
        else
            grant.Stored(0);
        return (result, null);
    }

    // Links that the user cannot change do not grow: the store says why not.
    private async Task<long> GrowthAsync(string shortCode, User user, LinkChange change, CancellationToken cancellationToken) =>
        change is { OriginalUrl: null, Metadata: null } || await store.FindAsync(shortCode, cancellationToken) is not { } link || link.UserId != user.Id
            ? 0
            : StoredSize.Growth(link, change);
}
