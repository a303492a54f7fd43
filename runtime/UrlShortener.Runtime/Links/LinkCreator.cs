using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Links;

/// <summary>Creates links, one or many, within their owner's quota, and renders the answer; with an idempotency key the answer is stored with them.</summary>
internal sealed class LinkCreator(ILinkStore store, StorageQuota quota, KeyPool keys, LinkChanges changes, TimeProvider time)
{
    private static readonly TimeSpan IdempotencyLifetime = TimeSpan.FromHours(24);

    /// <summary>Stores the links and renders the answer.</summary>
    /// <param name="links">At least one.</param>
    /// <param name="user">Their owner; null: anonymous, who have no quota.</param>
    /// <param name="retry">What the client sent to make a retry safe.</param>
    /// <param name="render">Renders the answer from the result of each link. Pure.</param>
    /// <param name="now">The time of creation, the one that the links' ends were reckoned from.</param>
    /// <param name="cancellationToken">Ends the wait; links may have been stored nevertheless.</param>
    public async Task<CreateAnswer> CreateAsync(
        IReadOnlyList<NewLink> links, User? user, RetryKey? retry, Func<IReadOnlyList<LinkCreation>, StoredReply> render, DateTimeOffset now, CancellationToken cancellationToken)
    {
        long[] sizes = user is null ? [] : [.. links.Select(StoredSize.Of)];
        using var grant = user is null ? StorageGrant.Unlimited : await quota.TakeAsync(user, sizes, cancellationToken);
        IReadOnlyList<NewLink> granted = grant.HasAll ? links : [.. links.Where((_, i) => grant.Has(i))];
        // The first try of this request may be what filled the quota.
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
                await AnnounceAsync(granted, created.Links, cancellationToken);
                return new CreateAnswer(created.Reply ?? Render(created.Links), IsReplay: false);
            default:
                grant.Stored(0);
                return new CreateAnswer(null, IsReplay: false);
        }

        StoredReply Render(IReadOnlyList<Link?> stored)
        {
            var next = 0;
            return render([.. links.Select((_, i) => grant.Has(i) ? new LinkCreation(stored[next++], null) : new LinkCreation(null, grant.OverQuota.Explain(sizes[i])))]);
        }
    }

    /// <summary>
    /// The answer to a request that no longer passes the rules: a retry of one that did gets what the first try got, whatever the rules are now.
    /// Null: there was no first try.
    /// </summary>
    public async Task<CreateAnswer?> FindAnswerAsync(RetryKey? retry, CancellationToken cancellationToken) =>
        (retry is null ? null : await store.FindReplyAsync(retry.Key, retry.RequestHash, Now(), cancellationToken)) switch
        {
            null => null,
            CreateLinksResult.Replayed replayed => new CreateAnswer(replayed.Reply, IsReplay: true),
            _ => new CreateAnswer(null, IsReplay: false),
        };

    // Of aliases alone: nobody can guess a generated code, and telling of each would cost a call of the shared tier.
    private async Task AnnounceAsync(IReadOnlyList<NewLink> links, IReadOnlyList<Link?> created, CancellationToken cancellationToken)
    {
        List<Task>? announcements = null;
        for (var i = 0; i < created.Count; i++)
        {
            if (created[i] is { } link && links[i].Alias is not null)
                (announcements ??= []).Add(changes.AnnounceCreationAsync(link.ShortCode, cancellationToken).AsTask());
        }

        if (announcements is not null)
            await Task.WhenAll(announcements);
    }

    /// <summary>The time of creation: whole milliseconds, as they are stored.</summary>
    public DateTimeOffset Now() => DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
}

/// <summary>What became of one link: stored, refused since its alias is taken, or refused since it is over the quota.</summary>
/// <param name="Link">The link; null unless stored.</param>
/// <param name="OverQuota">What is wrong and what to do; null: the quota is not why.</param>
internal readonly record struct LinkCreation(Link? Link, string? OverQuota);

/// <summary>The answer to a creation; a null reply: the idempotency key belongs to another request.</summary>
internal readonly record struct CreateAnswer(StoredReply? Reply, bool IsReplay);

/// <summary>A client's idempotency key, bound to the client, and a digest of the request.</summary>
internal sealed record RetryKey(string Key, string RequestHash)
{
    /// <summary>Longest key, in characters.</summary>
    public const int MaxLength = 255;

    /// <summary>Binds a key to its sender, so that two senders' keys never meet.</summary>
    public static RetryKey Of(string caller, string key, string path, in ReadOnlySequence<byte> body)
    {
        using var request = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        request.AppendData(Encoding.UTF8.GetBytes(path + "\n"));
        foreach (var piece in body)
            request.AppendData(piece.Span);
        return new RetryKey(
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{caller}\n{key}"))),
            Convert.ToHexStringLower(request.GetHashAndReset()));
    }

    /// <summary>Whether a header value can be a key: 1 to 255 printable ASCII characters.</summary>
    public static bool IsValid(string key) => key.Length is > 0 and <= MaxLength && !key.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
