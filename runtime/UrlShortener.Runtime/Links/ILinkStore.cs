using UrlShortener.Runtime.Keys;

namespace UrlShortener.Runtime.Links;

/// <summary>
/// Stores links durably. Everything that a call acknowledged survives a kill -9 of the process. Every implementation passes the same contract tests.
/// </summary>
internal interface ILinkStore
{
    /// <summary>
    /// Claims the codes and stores the links in one transaction. One link's conflict never fails its neighbours: each has its own result, in the order of the
    /// request. A code that was ever claimed cannot be claimed again, even if its link was deleted.
    /// </summary>
    Task<CreateLinksResult> CreateAsync(CreateLinks request, CancellationToken cancellationToken);

    /// <summary>The stored answer to an earlier request with this idempotency key; null: none yet. Reads only.</summary>
    Task<CreateLinksResult?> FindReplyAsync(string key, string requestHash, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>The link of a code, expired and inactive ones too; null when there is none.</summary>
    Task<Link?> FindAsync(string shortCode, CancellationToken cancellationToken);

    /// <summary>
    /// What a redirect needs to know of a code; null when there is no such link. The state may be as old as the replica's lag. A state older than
    /// <paramref name="atLeast"/> is returned only if the primary has no newer one. An existing link is always found.
    /// </summary>
    /// <param name="shortCode">The code.</param>
    /// <param name="atLeast">Version known to have been reached, or the epoch known to be in force with the number 0.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<LinkTarget?> FindTargetAsync(string shortCode, StateVersion atLeast, CancellationToken cancellationToken);

    /// <summary>Changes a link of one user.</summary>
    Task<LinkChangeResult> UpdateAsync(string shortCode, long userId, LinkChange change, CancellationToken cancellationToken);

    /// <summary>Deletes a link of one user. Its code stays claimed.</summary>
    Task<LinkChangeResult> DeleteAsync(string shortCode, long userId, CancellationToken cancellationToken);

    /// <summary>Deletes at most <paramref name="limit"/> links of one user, as <see cref="DeleteAsync"/> does, and logs it for the caches; returns how
    /// many.</summary>
    Task<int> DeleteOfUserAsync(long userId, int limit, CancellationToken cancellationToken);

    /// <summary>Forgets at most <paramref name="limit"/> idempotency keys of one user; returns how many.</summary>
    Task<int> DeleteIdempotencyKeysOfUserAsync(long userId, int limit, CancellationToken cancellationToken);

    /// <summary>Links of one user, a page of them. It has fewer links than the limit, or none, while there is a next page, if
    /// <see cref="LinkQuery.SearchTime"/> has passed. Each page gets further by at least one link.</summary>
    /// <exception cref="Resilience.QueryLimitException">The query exceeded its time limit.</exception>
    Task<LinkPage> ListAsync(LinkQuery query, CancellationToken cancellationToken);

    /// <summary>Forgets idempotency keys that ended before a moment; returns how many.</summary>
    Task<int> DeleteExpiredIdempotencyKeysAsync(DateTimeOffset now, CancellationToken cancellationToken);
}

/// <summary>A link to be stored.</summary>
/// <param name="Alias">The code its creator chose; null: a generated one.</param>
/// <param name="OriginalUrl">The target.</param>
/// <param name="ExpiresAt">See <see cref="Link"/>.</param>
/// <param name="RedirectType">See <see cref="Link"/>.</param>
/// <param name="Metadata">See <see cref="Link"/>.</param>
internal sealed record NewLink(string? Alias, string OriginalUrl, DateTimeOffset? ExpiresAt, int RedirectType, string Metadata);

/// <summary>One request to store links.</summary>
/// <param name="Links">At least one.</param>
/// <param name="UserId">Owner of all of them; null: anonymous.</param>
/// <param name="Now">Their creation time.</param>
/// <param name="NextKey">Returns a generated code. It is called again if a code is already claimed or belongs to a closed epoch. Must not block.</param>
/// <param name="Idempotency">Set if the client sent an idempotency key.</param>
internal sealed record CreateLinks(IReadOnlyList<NewLink> Links, long? UserId, DateTimeOffset Now, Func<Key> NextKey, Idempotency? Idempotency = null)
{
    private const int MostOfASmallRequest = 100;

    /// <summary>Whether the request is large. Stores write large requests apart from small ones, so that small ones do not wait for them.</summary>
    public bool IsLarge => Links.Count > MostOfASmallRequest;
}

/// <summary>A client's idempotency key, stored in the same transaction as what it protects.</summary>
/// <param name="Key">Digest of the caller and the key they sent.</param>
/// <param name="RequestHash">Digest of the request; a request with the same key and another digest is refused.</param>
/// <param name="ExpiresAt">Until then the answer is replayed.</param>
/// <param name="BuildReply">
/// Renders the answer to be stored from the result of each link, inside the transaction. Pure. Not called, and nothing stored, when no link was created,
/// so that the client may try again.
/// </param>
internal sealed record Idempotency(string Key, string RequestHash, DateTimeOffset ExpiresAt, Func<IReadOnlyList<Link?>, StoredReply> BuildReply);

/// <summary>An answer kept for replay, byte for byte.</summary>
/// <param name="StatusCode">HTTP status.</param>
/// <param name="Location">Location header; null: none.</param>
/// <param name="Body">The body as it was sent.</param>
internal sealed record StoredReply(int StatusCode, string? Location, byte[] Body);

/// <summary>Result of a <see cref="CreateLinks"/>.</summary>
internal abstract record CreateLinksResult
{
    /// <summary>Stored. For each link of the request the stored one, or null when its alias was taken.</summary>
    internal sealed record Created(IReadOnlyList<Link?> Links, StoredReply? Reply) : CreateLinksResult;

    /// <summary>The same request was answered before; this is the stored answer.</summary>
    internal sealed record Replayed(StoredReply Reply) : CreateLinksResult;

    /// <summary>The idempotency key belongs to a different request.</summary>
    internal sealed record KeyReused : CreateLinksResult;
}

/// <summary>A change of a link. Members that are null keep their value.</summary>
internal sealed record LinkChange
{
    /// <summary>New target.</summary>
    public string? OriginalUrl { get; init; }

    /// <summary>New end; only read when <see cref="SetsExpiry"/>, where null means never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether <see cref="ExpiresAt"/> is part of the change.</summary>
    public bool SetsExpiry { get; init; }

    /// <summary>New state.</summary>
    public bool? IsActive { get; init; }

    /// <summary>New redirect status.</summary>
    public int? RedirectType { get; init; }

    /// <summary>New metadata, replacing all of the old.</summary>
    public string? Metadata { get; init; }
}

/// <summary>Result of a change or a deletion.</summary>
internal enum LinkChangeOutcome
{
    /// <summary>Done.</summary>
    Done,

    /// <summary>There is no such link.</summary>
    NotFound,

    /// <summary>The link is somebody else's; nothing was changed.</summary>
    NotOwner,
}

/// <summary>Result of a change or a deletion.</summary>
/// <param name="Outcome">Whether it was done.</param>
/// <param name="Link">The link as it is now; null unless done; the last state for a deletion.</param>
/// <param name="Version">See <see cref="LinkTarget"/>; the number is one more than the last for a deletion, and 0 unless done.</param>
internal readonly record struct LinkChangeResult(LinkChangeOutcome Outcome, Link? Link, StateVersion Version = default);

/// <summary>Which links of a user to list.</summary>
/// <param name="UserId">The owner.</param>
/// <param name="Limit">Most links in the page.</param>
/// <param name="After">Last link of the page before, in the same order; null: from the beginning.</param>
/// <param name="CodePrefix">Only codes that start so, case-sensitive.</param>
/// <param name="Target">Only targets that contain this text, ASCII letters in either case and hosts in either script, see <see cref="TargetSearch"/>.</param>
/// <param name="Metadata">Only links whose metadata has each of these members, compared as text; see <see cref="LinkMetadata.ScalarOf"/>.</param>
/// <param name="IsActive">Only links that are active, or only those that were deactivated.</param>
internal sealed record LinkQuery(
    long UserId,
    int Limit,
    LinkCursor? After = null,
    string? CodePrefix = null,
    string? Target = null,
    IReadOnlyList<KeyValuePair<string, string>>? Metadata = null,
    bool? IsActive = null
)
{
    /// <summary>Only links in this state at the moment <see cref="Now"/>.</summary>
    public LinkStatus? Status { get; init; }

    /// <summary>The time at which expiry is judged; used with <see cref="Status"/> only.</summary>
    public DateTimeOffset Now { get; init; }

    /// <summary>Only links created in this range.</summary>
    public TimeBounds Created { get; init; }

    /// <summary>Only links that expire in this range; links that never expire are in no range.</summary>
    public TimeBounds Expires { get; init; }

    /// <summary>Order of the list.</summary>
    public LinkOrder Order { get; init; }

    /// <summary>
    /// Whether a filter has the character U+0000. No link has it; PostgreSQL refuses such a text, and SQLite's functions read it up to that character.
    /// </summary>
    public bool HoldsNull =>
        new[] { CodePrefix, Target }
            .Concat((Metadata ?? []).SelectMany(entry => new[] { entry.Key, entry.Value }))
            .Any(text => text?.Contains('\0', StringComparison.Ordinal) == true);

    /// <summary>How long to look for links that match. What was found until then is a page, with the place to go on from.</summary>
    public TimeSpan SearchTime { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>A range of time; null: open at that end.</summary>
/// <param name="From">Its start, included.</param>
/// <param name="To">Its end, not included.</param>
internal readonly record struct TimeBounds(DateTimeOffset? From, DateTimeOffset? To)
{
    /// <summary>The bounds in Unix milliseconds, rounded up, since times are stored in whole milliseconds.</summary>
    public (long? From, long? To) InMilliseconds => (Ceiling(From), Ceiling(To));

    private static long? Ceiling(DateTimeOffset? time) => time?.AddTicks(TimeSpan.TicksPerMillisecond - 1).ToUnixTimeMilliseconds();
}

/// <summary>Order of a list; links with equal times are ordered by id. The default is newest first.</summary>
/// <param name="By">The time that is compared.</param>
/// <param name="IsAscending">Earliest first.</param>
internal readonly record struct LinkOrder(LinkSort By, bool IsAscending);

/// <summary>The times by which links can be ordered.</summary>
internal enum LinkSort
{
    /// <summary>By creation.</summary>
    CreatedAt,

    /// <summary>By end; links that never expire count as the latest.</summary>
    ExpiresAt,
}

/// <summary>A place in the list.</summary>
/// <param name="Value">The time that the list is ordered by, in Unix milliseconds; <see cref="Never"/>: the link never expires.</param>
/// <param name="Id">Orders links of the same time.</param>
internal readonly record struct LinkCursor(long Value, long Id)
{
    /// <summary>Later than any time.</summary>
    public const long Never = long.MaxValue;

    /// <summary>The place of a link.</summary>
    public static LinkCursor Of(Link link, long id, LinkSort by) =>
        new(by == LinkSort.CreatedAt ? link.CreatedAt.ToUnixTimeMilliseconds() : link.ExpiresAt?.ToUnixTimeMilliseconds() ?? Never, id);
}

/// <summary>A page of links and the place of the next page; null: this was the last. Only then have all links been looked at.</summary>
internal readonly record struct LinkPage(IReadOnlyList<Link> Links, LinkCursor? Next);
