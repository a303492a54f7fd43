using System.Globalization;
using Microsoft.Data.Sqlite;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Statistics;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <inheritdoc />
internal sealed class SqliteLinkStore(SqliteDatabase database, KeyEpoch epoch, TimeProvider time) : ILinkStore, ILinkChangeLog, IFollowedLinks
{
    private const string Columns =
        "id, short_code, original_url, user_id, created_at, expires_at, click_count, last_accessed_at, is_active, redirect_type, metadata";

    // Sort key of a list by expiry, exactly as in the index. A link that never expires sorts last (LinkCursor.Never).
    private const string EndKey = "coalesce(expires_at, 9223372036854775807)";

    // Reads no more entries than it returns codes. CROSS JOIN keeps their order.
    internal const string FollowedSql = """
        SELECT u.short_code
        FROM (SELECT short_code FROM followed_links WHERE user_id = $1 AND minute >= $2 / 60000 ORDER BY minute DESC, short_code DESC LIMIT $3) followed
            CROSS JOIN urls u ON u.short_code = followed.short_code
        WHERE u.last_accessed_at >= $2 ORDER BY u.last_accessed_at DESC, u.short_code
        """;

    /// <inheritdoc />
    public Task<CreateLinksResult> CreateAsync(CreateLinks request, CancellationToken cancellationToken) =>
        database.WriteAsync(session => Create(session, request), request.IsLarge, cancellationToken);

    /// <inheritdoc />
    public Task<CreateLinksResult?> FindReplyAsync(string key, string requestHash, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.ReadAsync(session => FindReply(session, key, requestHash, now), cancellationToken);

    /// <inheritdoc />
    public Task<Link?> FindAsync(string shortCode, CancellationToken cancellationToken) =>
        database.ReadAsync(session => Find(session, shortCode), cancellationToken);

    /// <inheritdoc />
    // One process uses one file, so a read always returns the newest state, and versions are not needed.
    public async Task<LinkTarget?> FindTargetAsync(string shortCode, StateVersion atLeast, CancellationToken cancellationToken) =>
        await FindAsync(shortCode, cancellationToken) is { } link
            ? new LinkTarget(link.OriginalUrl, link.ExpiresAt, link.RedirectType, link.IsActive, atLeast)
            : null;

    /// <inheritdoc />
    public Task<LinkChangeResult> UpdateAsync(string shortCode, long userId, LinkChange change, CancellationToken cancellationToken) =>
        database.WriteAsync(session => Change(session, shortCode, userId, link => Update(session, link, change)), cancellationToken);

    /// <inheritdoc />
    public Task<LinkChangeResult> DeleteAsync(string shortCode, long userId, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                Change(
                    session,
                    shortCode,
                    userId,
                    link =>
                    {
                        Delete(session, link.ShortCode);
                        return link;
                    }
                ),
            cancellationToken
        );

    /// <inheritdoc />
    // An administration command calls this while another process serves. The change log informs that process.
    public Task<int> DeleteOfUserAsync(long userId, int limit, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
            {
                var codes = session.Query("SELECT short_code FROM urls WHERE user_id = $1 LIMIT $2", row => row.GetString(0), userId, limit);
                foreach (var code in codes)
                {
                    Delete(session, code);
                    session.Execute("INSERT INTO link_changes (short_code, changed_at) VALUES ($1, $2)", code, Now);
                }

                return codes.Count;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<int> DeleteIdempotencyKeysOfUserAsync(long userId, int limit, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                session.Execute("DELETE FROM idempotency_keys WHERE key IN (SELECT key FROM idempotency_keys WHERE user_id = $1 LIMIT $2)", userId, limit),
            cancellationToken
        );

    /// <inheritdoc />
    // Only one process serves the file. Changes that commands make concurrently are in the log; after a restore, the epoch shows that cached states are void.
    Task<RecentChanges> ILinkChangeLog.ReadAsync(TimeSpan age, CancellationToken cancellationToken) =>
        database.ReadAsync(
            session => new RecentChanges(
                SqliteKeyStore.ReadEpoch(session),
                session.Query(
                    "SELECT id, short_code FROM link_changes WHERE changed_at > $1",
                    row => new LoggedChange(row.GetInt64(0), new LinkVersion(row.GetString(1), default)),
                    Now - (long)age.TotalMilliseconds
                )
            ),
            cancellationToken
        );

    /// <inheritdoc />
    Task<int> ILinkChangeLog.DeleteAsync(TimeSpan age, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session => session.Execute("DELETE FROM link_changes WHERE changed_at <= $1", Now - (long)age.TotalMilliseconds),
            cancellationToken
        );

    /// <inheritdoc />
    public Task<LinkPage> ListAsync(LinkQuery query, CancellationToken cancellationToken) =>
        query.HoldsNull ? Task.FromResult(new LinkPage([], null)) : database.QueryAsync(query.UserId, session => List(session, query), cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<string>> FindFollowedAsync(long userId, DateTimeOffset since, int limit, CancellationToken cancellationToken) =>
        database.QueryAsync<IReadOnlyList<string>>(
            userId,
            session => session.Query(FollowedSql, row => row.GetString(0), userId, since.ToUnixTimeMilliseconds(), limit),
            cancellationToken
        );

    /// <inheritdoc />
    public Task<int> DeleteExpiredIdempotencyKeysAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.Execute("DELETE FROM idempotency_keys WHERE expires_at <= $1", now.ToUnixTimeMilliseconds()), cancellationToken);

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private void Delete(SqliteSession session, string code)
    {
        session.Execute("DELETE FROM urls WHERE short_code = $1", code);
        session.Execute("INSERT INTO deleted_links (short_code, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", code, Now);
    }

    private CreateLinksResult Create(SqliteSession session, CreateLinks request)
    {
        epoch.Observe(SqliteKeyStore.ReadEpoch(session));
        if (request.Idempotency is { } idempotency && FindReply(session, idempotency.Key, idempotency.RequestHash, request.Now) is { } earlier)
            return earlier;

        var links = new Link?[request.Links.Count];
        var (created, bytes) = (0, 0L);
        for (var i = 0; i < links.Length; i++)
        {
            links[i] = Insert(session, request.Links[i], request);
            created += links[i] is null ? 0 : 1;
            bytes += links[i] is { } link ? StoredSize.Of(link) : 0;
        }

        // Triggers make the other changes of stored_bytes.
        if (created > 0 && request.UserId is { } userId)
            session.Execute("UPDATE users SET urls_created = urls_created + $1, stored_bytes = stored_bytes + $2 WHERE id = $3", created, bytes, userId);
        return new CreateLinksResult.Created(links, created > 0 ? StoreReply(session, request, links) : null);
    }

    private Link? Insert(SqliteSession session, NewLink link, CreateLinks request)
    {
        var now = request.Now.ToUnixTimeMilliseconds();
        var code = link.Alias ?? NextCode(request);
        while (!Claim(session, code, now))
        {
            if (link.Alias is not null)
                return null;
            code = NextCode(request);
        }

        session.Execute(
            "INSERT INTO urls (short_code, original_url, user_id, created_at, expires_at, redirect_type, metadata) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            code,
            link.OriginalUrl,
            request.UserId,
            now,
            link.ExpiresAt?.ToUnixTimeMilliseconds(),
            link.RedirectType,
            link.Metadata
        );
        return new Link(code, link.OriginalUrl, request.UserId, FromUnix(now), link.ExpiresAt, 0, null, true, link.RedirectType, link.Metadata);
    }

    private string NextCode(CreateLinks request)
    {
        Key key;
        do key = request.NextKey();
        while (key.Epoch < epoch.Current);
        return key.Code;
    }

    // One statement for pooled codes, codes made on demand and aliases: the first transaction that sets is_used claims the code.
    private static bool Claim(SqliteSession session, string code, long now) =>
        session.Execute(
            """
            INSERT INTO kgs_keys (short_code, is_used, used_at, batch_id) VALUES ($1, 1, $2, 0)
            ON CONFLICT (short_code) DO UPDATE SET is_used = 1, used_at = excluded.used_at WHERE is_used = 0
            """,
            code,
            now
        ) == 1;

    private static CreateLinksResult? FindReply(SqliteSession session, string key, string requestHash, DateTimeOffset now)
    {
        var stored = session.Query(
            "SELECT request_hash, status_code, location, body FROM idempotency_keys WHERE key = $1 AND expires_at > $2",
            row => (Hash: row.GetString(0), Reply: new StoredReply(row.GetInt32(1), row.IsDBNull(2) ? null : row.GetString(2), row.GetFieldValue<byte[]>(3))),
            key,
            now.ToUnixTimeMilliseconds()
        );
        return stored switch
        {
            [] => null,
            [var first, ..] when first.Hash == requestHash => new CreateLinksResult.Replayed(first.Reply),
            _ => new CreateLinksResult.KeyReused(),
        };
    }

    private static StoredReply? StoreReply(SqliteSession session, CreateLinks request, Link?[] links)
    {
        if (request.Idempotency is not { } idempotency)
            return null;
        var reply = idempotency.BuildReply(links);
        session.Execute(
            // Not REPLACE: its implicit deletion fires no trigger.
            """
            INSERT INTO idempotency_keys (key, request_hash, expires_at, status_code, location, body, user_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (key) DO UPDATE SET
                request_hash = excluded.request_hash, expires_at = excluded.expires_at, status_code = excluded.status_code, location = excluded.location,
                body = excluded.body, user_id = excluded.user_id
            """,
            idempotency.Key,
            idempotency.RequestHash,
            idempotency.ExpiresAt.ToUnixTimeMilliseconds(),
            reply.StatusCode,
            reply.Location,
            reply.Body,
            request.UserId
        );
        return reply;
    }

    private static LinkChangeResult Change(SqliteSession session, string shortCode, long userId, Func<Link, Link> change) =>
        Find(session, shortCode) switch
        {
            null => new LinkChangeResult(LinkChangeOutcome.NotFound, null),
            { UserId: var owner } when owner != userId => new LinkChangeResult(LinkChangeOutcome.NotOwner, null),
            var link => new LinkChangeResult(LinkChangeOutcome.Done, change(link)),
        };

    private static Link Update(SqliteSession session, Link link, LinkChange change)
    {
        var changed = link with
        {
            OriginalUrl = change.OriginalUrl ?? link.OriginalUrl,
            ExpiresAt = change.SetsExpiry ? change.ExpiresAt : link.ExpiresAt,
            IsActive = change.IsActive ?? link.IsActive,
            RedirectType = change.RedirectType ?? link.RedirectType,
            Metadata = change.Metadata ?? link.Metadata,
        };
        session.Execute(
            "UPDATE urls SET original_url = $1, expires_at = $2, is_active = $3, redirect_type = $4, metadata = $5 WHERE short_code = $6",
            changed.OriginalUrl,
            changed.ExpiresAt?.ToUnixTimeMilliseconds(),
            changed.IsActive ? 1 : 0,
            changed.RedirectType,
            changed.Metadata,
            link.ShortCode
        );
        return changed;
    }

    private static Link? Find(SqliteSession session, string shortCode) =>
        session.Query($"SELECT {Columns} FROM urls WHERE short_code = $1", Read, shortCode) is [var found, ..] ? found.Link : null;

    private LinkPage List(SqliteSession session, LinkQuery query)
    {
        var (sql, values) = ListSql(query);
        var started = time.GetTimestamp();
        session.IsTimeOver = () => time.GetElapsedTime(started) >= query.SearchTime;
        var page = new LinkPageBuilder(query);
        session.ReadOnce(
            sql,
            row =>
            {
                var (id, link) = Read(row);
                return page.Add(id, link, row.GetInt64(11) != 0);
            },
            [.. values]
        );
        return page.Build();
    }

    /// <summary>
    /// The statement of a list. It goes along an index of the user's links in the order of the list, within the ranges that the index knows. The other
    /// filters look at each link in turn. Once they have done so for <see cref="LinkQuery.SearchTime"/>, every link passes, so that the statement ends after a
    /// page of them; the last column tells which ones match.
    /// </summary>
    internal static (string Sql, IReadOnlyList<object?> Values) ListSql(LinkQuery query)
    {
        List<object?> values = [query.UserId];
        List<string> inIndex = ["user_id = $1"];
        List<string> filters = [];
        var isByEnd = query.Order.By == LinkSort.ExpiresAt;
        var (key, index, direction) = (
            isByEnd ? EndKey : "created_at",
            isByEnd ? "idx_urls_user_end" : "idx_urls_user_id",
            query.Order.IsAscending ? "ASC" : "DESC"
        );
        var (byCreation, byEnd) = isByEnd ? (filters, inIndex) : (inIndex, filters);
        if (query.After is { } after)
            inIndex.Add($"({key}, id) {(query.Order.IsAscending ? '>' : '<')} ({Add(after.Value)}, {Add(after.Id)})");
        AddRange(byCreation, "created_at", query.Created);
        AddRange(byEnd, EndKey, query.Expires);
        // Links that never expire are in no range.
        if (query.Expires.From is not null)
            byEnd.Add($"{EndKey} < {Add(LinkCursor.Never)}");
        if (query.Status is { } status)
        {
            filters.Add($"is_active = {Add(status == LinkStatus.Inactive ? 0 : 1)}");
            if (status != LinkStatus.Inactive)
                byEnd.Add($"{EndKey} {(status == LinkStatus.Active ? ">" : "<=")} {Add(query.Now.ToUnixTimeMilliseconds())}");
        }

        if (query.CodePrefix is { } prefix)
            filters.Add($"substr(short_code, 1, {Add(prefix.Length)}) = {Add(prefix)}");
        if (query.IsActive is { } isActive)
            filters.Add($"is_active = {Add(isActive ? 1 : 0)}");
        if (query.Target is { } target)
            filters.Add($"({string.Join(" OR ", TargetSearch.SpellingsOf(target).Select(text => $"instr(lower(original_url), lower({Add(text)})) > 0"))})");
        foreach (var (member, value) in query.Metadata ?? [])
            filters.Add($"{SqliteSession.MetadataFunction}(metadata, {Add(member)}) IS {Add(value)}");

        var matches = filters.Count == 0 ? "1" : string.Join(" AND ", filters);
        if (filters.Count > 0)
            inIndex.Add($"(({matches}) OR {SqliteSession.TimeFunction}())");
        return (
            $"SELECT {Columns}, {matches} FROM urls INDEXED BY {index} WHERE {string.Join(" AND ", inIndex)} ORDER BY {key} {direction}, id {direction} "
                + $"LIMIT {Add(LinkPageBuilder.MostOf(query))}",
            values
        );

        void AddRange(List<string> conditions, string column, TimeBounds range)
        {
            if (range.InMilliseconds.From is { } from)
                conditions.Add($"{column} >= {Add(from)}");
            if (range.InMilliseconds.To is { } to)
                conditions.Add($"{column} < {Add(to)}");
        }

        string Add(object value)
        {
            values.Add(value);
            return string.Create(CultureInfo.InvariantCulture, $"${values.Count}");
        }
    }

    private static (long Id, Link Link) Read(SqliteDataReader row) =>
        (
            row.GetInt64(0),
            new Link(
                row.GetString(1),
                row.GetString(2),
                row.IsDBNull(3) ? null : row.GetInt64(3),
                FromUnix(row.GetInt64(4)),
                row.IsDBNull(5) ? null : FromUnix(row.GetInt64(5)),
                row.GetInt64(6),
                row.IsDBNull(7) ? null : FromUnix(row.GetInt64(7)),
                row.GetInt64(8) != 0,
                row.GetInt32(9),
                row.GetString(10)
            )
        );

    private static DateTimeOffset FromUnix(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
