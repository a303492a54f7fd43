using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Retention;

/// <summary>
/// Deletes a user with all their data, in pieces, so that other writes wait only for one piece. Every piece is a transaction of its own. A deletion that was
/// interrupted can start again and deletes the rest. Codes stay claimed.
/// </summary>
internal sealed class UserDeletion(IUserStore users, ILinkStore links, IClickRetention clicks, TimeProvider time, IClickErasure? erasure = null)
{
    private const int LinksPerDelete = 500;
    private const int RecordsPerDelete = 5_000;

    /// <summary>Deletes the user.</summary>
    /// <param name="user">See <see cref="IUserStore.FindDoomedAsync"/>.</param>
    /// <param name="report">Called after each piece with the counts so far.</param>
    /// <param name="cancellationToken">Stops the deletion after a piece.</param>
    public async Task<UserDeletionCounts> RunAsync(DoomedUser user, Action<UserDeletionCounts> report, CancellationToken cancellationToken)
    {
        var counts = new UserDeletionCounts(0, 0, 0);
        await users.BeginDeletionAsync(user.Id, time.GetUtcNow(), cancellationToken);
        do
        {
            while (await links.DeleteOfUserAsync(user.Id, LinksPerDelete, cancellationToken) is > 0 and var deleted)
                report(counts = counts with { Links = counts.Links + deleted });
            while (await links.DeleteIdempotencyKeysOfUserAsync(user.Id, LinksPerDelete, cancellationToken) is > 0 and var deleted)
                report(counts = counts with { IdempotencyKeys = counts.IdempotencyKeys + deleted });
            while (await clicks.DeleteOfDeletedLinksAsync(RecordsPerDelete, cancellationToken) is > 0 and var deleted)
                report(counts = counts with { ClickRecords = counts.ClickRecords + deleted });
            while (erasure is not null && await erasure.EraseOfUserAsync(user.Id, cancellationToken) > 0)
                cancellationToken.ThrowIfCancellationRequested();
        }
        // Last, so that the command can be repeated until all of it is gone. A request of the user that was still running when the deletion began may have
        // created a link since.
        while (!await users.TryDeleteAsync(user.Id, cancellationToken));

        return counts;
    }
}

/// <summary>Counts of deleted data.</summary>
/// <param name="Links">Links.</param>
/// <param name="IdempotencyKeys">Stored answers.</param>
/// <param name="ClickRecords">Stored records of clicks of deleted links, including links of other users.</param>
internal readonly record struct UserDeletionCounts(long Links, long IdempotencyKeys, long ClickRecords);
