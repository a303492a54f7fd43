using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Links;

/// <summary>Creates, changes and deletes links within their owners' quotas, and publishes each committed change, so that no caller can forget it.</summary>
internal sealed class LinkService(ILinkStore store, StorageQuota quota, KeyPool keys, ILinkChangePublisher publisher, TimeProvider time)
{
    private static readonly TimeSpan IdempotencyLifetime = TimeSpan.FromHours(24);

    /// <summary>Stores links, one or many, and renders the answer; with an idempotency key the answer is stored with them.</summary>
    /// <param name="links">At least one.</param>
    /// <param name="user">Their owner; null: anonymous, who have no quota.</param>
    /// <param name="retry">The client's idempotency key; null: none.</param>
    /// <param name="render">Renders the answer from the result of each link. Pure.</param>
    /// <param name="now">The time of creation, from which the expiry of the links was computed.</param>
    /// <param name="cancellationToken">Ends the wait; links may have been stored nevertheless.</param>
    public async Task<CreateAnswer> CreateAsync(
        IReadOnlyList<NewLink> links,
        User? user,
        IdempotencyKey? retry,
        Func<IReadOnlyList<LinkCreation>, StoredReply> render,
        DateTimeOffset now,
        CancellationToken cancellationToken
    )
    {
        long[] sizes = user is null ? [] : [.. links.Select(StoredSize.Of)];
        using var grant = user is null ? StorageGrant.Unlimited : await quota.TakeAsync(user, sizes, cancellationToken);
        IReadOnlyList<NewLink> granted = grant.HasAll ? links : [.. links.Where((_, i) => grant.Has(i))];
        // The first attempt of this request may have filled the quota.
        if (granted.Count == 0)
            return await FindAnswerAsync(retry, cancellationToken) ?? new CreateAnswer(Render([]), IsReplay: false);

        var idempotency = retry is null ? null : new Idempotency(retry.Key, retry.RequestHash, now + IdempotencyLifetime, Render);
        switch (await store.CreateAsync(new CreateLinks(granted, user?.Id, now, keys.Take, idempotency), cancellationToken))
        {
            case CreateLinksResult.Replayed replayed:
                grant.Stored(0);
                return new CreateAnswer(replayed.Reply, IsReplay: true);
            case CreateLinksResult.Created created:
                grant.Stored(created.Links.OfType<Link>().Sum(StoredSize.Of) + (created.Reply is null ? 0 : StoredSize.Of(created.Reply)));
                await PublishAsync(granted, created.Links, cancellationToken);
                return new CreateAnswer(created.Reply ?? Render(created.Links), IsReplay: false);
            default:
                grant.Stored(0);
                return new CreateAnswer(null, IsReplay: false);
        }

        StoredReply Render(IReadOnlyList<Link?> stored)
        {
            var next = 0;
            return render([
                .. links.Select((_, i) => grant.Has(i) ? new LinkCreation(stored[next++], null) : new LinkCreation(null, grant.OverQuota.Explain(sizes[i]))),
            ]);
        }
    }

    /// <summary>
    /// The stored answer to a request that no longer passes the rules. A retry gets the answer of the first attempt even if the rules have changed. Null: there
    /// was no first attempt.
    /// </summary>
    public async Task<CreateAnswer?> FindAnswerAsync(IdempotencyKey? retry, CancellationToken cancellationToken) =>
        (retry is null ? null : await store.FindReplyAsync(retry.Key, retry.RequestHash, Now(), cancellationToken)) switch
        {
            null => null,
            CreateLinksResult.Replayed replayed => new CreateAnswer(replayed.Reply, IsReplay: true),
            _ => new CreateAnswer(null, IsReplay: false),
        };

    /// <summary>Changes a link of a user. A change that does not make it larger is never refused because of the quota.</summary>
    /// <returns>The outcome, or why the change does not fit into the quota.</returns>
    public async Task<(LinkChangeResult Result, string? OverQuota)> UpdateAsync(
        string shortCode,
        User user,
        LinkChange change,
        CancellationToken cancellationToken
    )
    {
        var growth = await GrowthAsync(shortCode, user, change, cancellationToken);
        using var grant = growth > 0 ? await quota.TakeAsync(user, [growth], cancellationToken) : StorageGrant.Unlimited;
        if (!grant.HasAll)
            return (default, grant.OverQuota.Explain(growth));
        var result = await store.UpdateAsync(shortCode, user.Id, change, cancellationToken);
        if (result.Outcome != LinkChangeOutcome.Done)
            grant.Stored(0);
        await PublishAsync(shortCode, result, cancellationToken);
        return (result, null);
    }

    /// <summary>Deletes a link of a user. Its code stays claimed.</summary>
    public async Task<LinkChangeResult> DeleteAsync(string shortCode, User user, CancellationToken cancellationToken)
    {
        var result = await store.DeleteAsync(shortCode, user.Id, cancellationToken);
        await PublishAsync(shortCode, result, cancellationToken);
        return result;
    }

    /// <summary>The time of creation: whole milliseconds, as they are stored.</summary>
    public DateTimeOffset Now() => DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());

    // A link that the user may not change does not grow; the store reports the reason.
    private async Task<long> GrowthAsync(string shortCode, User user, LinkChange change, CancellationToken cancellationToken) =>
        change is { OriginalUrl: null, Metadata: null } || await store.FindAsync(shortCode, cancellationToken) is not { } link || link.UserId != user.Id
            ? 0
            : StoredSize.Growth(link, change);

    private ValueTask PublishAsync(string shortCode, LinkChangeResult result, CancellationToken cancellationToken) =>
        result.Outcome == LinkChangeOutcome.Done
            ? publisher.PublishAsync(new LinkVersion(shortCode, result.Version), cancellationToken)
            : ValueTask.CompletedTask;

    // Aliases only: nobody can guess a generated code, and publishing each would cost a call to the shared tier.
    private async Task PublishAsync(IReadOnlyList<NewLink> links, IReadOnlyList<Link?> created, CancellationToken cancellationToken)
    {
        List<Task>? publications = null;
        for (var i = 0; i < created.Count; i++)
        {
            if (created[i] is { } link && links[i].Alias is not null)
                (publications ??= []).Add(publisher.PublishCreationAsync(link.ShortCode, cancellationToken).AsTask());
        }

        if (publications is not null)
            await Task.WhenAll(publications);
    }
}

/// <summary>Result of one link: stored, refused because its alias is taken, or refused because of the quota.</summary>
/// <param name="Link">The link; null unless stored.</param>
/// <param name="OverQuota">What is wrong and what to do; null: the quota is not the reason.</param>
internal readonly record struct LinkCreation(Link? Link, string? OverQuota);

/// <summary>The answer to a creation; a null reply: the idempotency key belongs to another request.</summary>
internal readonly record struct CreateAnswer(StoredReply? Reply, bool IsReplay);
