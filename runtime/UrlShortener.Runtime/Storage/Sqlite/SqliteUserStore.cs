using Microsoft.Data.Sqlite;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <inheritdoc />
internal sealed class SqliteUserStore(SqliteDatabase database) : IUserStore
{
    // Never equal to the digest of an API key. The id after it makes it unique, as the column requires.
    private const string RevokedPrefix = "revoked:";

    private const string Columns = "id, email, tier, rate_limit, urls_created, created_at, last_active_at, api_key, stored_bytes, quota_bytes";

    /// <inheritdoc />
    public Task<User?> CreateAsync(
        string email,
        Tier tier,
        int rateLimit,
        long? quota,
        string keyHash,
        DateTimeOffset now,
        CancellationToken cancellationToken
    ) =>
        database.WriteAsync(
            session =>
                session.Query(
                    $"""
                    INSERT INTO users (email, api_key, tier, rate_limit, created_at, quota_bytes) VALUES ($1, $2, $3, $4, $5, $6)
                    ON CONFLICT (email) DO NOTHING RETURNING {Columns}
                    """,
                    Read,
                    email,
                    keyHash,
                    TierName(tier),
                    rateLimit,
                    now.ToUnixTimeMilliseconds(),
                    quota
                )
                    is [var user, ..]
                    ? user
                    : null,
            cancellationToken
        );

    /// <inheritdoc />
    public Task<User?> FindByKeyHashAsync(string keyHash, CancellationToken cancellationToken) =>
        FindAsync($"SELECT {Columns} FROM users WHERE api_key = $1 AND deleted_at IS NULL", keyHash, cancellationToken);

    /// <inheritdoc />
    public Task<User?> FindByEmailAsync(string email, CancellationToken cancellationToken) =>
        FindAsync($"SELECT {Columns} FROM users WHERE email = $1 AND deleted_at IS NULL", email, cancellationToken);

    /// <inheritdoc />
    public Task<bool> SetKeyHashAsync(string email, string? keyHash, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                session.Execute("UPDATE users SET api_key = coalesce($1, $2 || id) WHERE email = $3 AND deleted_at IS NULL", keyHash, RevokedPrefix, email)
                == 1,
            cancellationToken
        );

    /// <inheritdoc />
    public Task<bool> SetQuotaAsync(string email, long? quota, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session => session.Execute("UPDATE users SET quota_bytes = $1 WHERE email = $2 AND deleted_at IS NULL", quota, email) == 1,
            cancellationToken
        );

    /// <inheritdoc />
    public Task<StorageUsage> ReadStorageAsync(long id, CancellationToken cancellationToken) =>
        database.ReadAsync(
            session =>
                session.Query("SELECT stored_bytes, quota_bytes FROM users WHERE id = $1", row => ReadStorage(row, 0), id) is [var storage, ..]
                    ? storage
                    : default,
            cancellationToken
        );

    /// <inheritdoc />
    public Task<DoomedUser?> FindDoomedAsync(string email, CancellationToken cancellationToken) =>
        database.ReadAsync(
            session =>
                session.Query(
                    "SELECT id, (SELECT count(*) FROM urls WHERE user_id = users.id), deleted_at IS NOT NULL FROM users WHERE email = $1",
                    row => new DoomedUser(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2) != 0),
                    email
                )
                    is [var user, ..]
                    ? user
                    : null,
            cancellationToken
        );

    /// <inheritdoc />
    public Task BeginDeletionAsync(long id, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                session.Execute(
                    "UPDATE users SET deleted_at = coalesce(deleted_at, $1), api_key = $2 || id WHERE id = $3",
                    now.ToUnixTimeMilliseconds(),
                    RevokedPrefix,
                    id
                ),
            cancellationToken
        );

    /// <inheritdoc />
    public Task<bool> TryDeleteAsync(long id, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
            {
                if (session.Scalar("SELECT 1 FROM urls WHERE user_id = $1 LIMIT 1", id) is not null)
                    return false;
                session.Execute("DELETE FROM users WHERE id = $1", id);
                return true;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<IReadOnlyList<User>> ListAsync(CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<User>>(session => session.Query($"SELECT {Columns} FROM users ORDER BY id", Read), cancellationToken);

    /// <inheritdoc />
    public Task RecordActivityAsync(IReadOnlyCollection<KeyValuePair<long, DateTimeOffset>> activity, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
            {
                foreach (var (id, at) in activity)
                    session.Execute("UPDATE users SET last_active_at = max(coalesce(last_active_at, 0), $1) WHERE id = $2", at.ToUnixTimeMilliseconds(), id);
                return activity.Count;
            },
            cancellationToken
        );

    private Task<User?> FindAsync(string sql, string value, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.Query(sql, Read, value) is [var user, ..] ? user : null, cancellationToken);

    private static User Read(SqliteDataReader row) =>
        new(
            row.GetInt64(0),
            row.GetString(1),
            Enum.Parse<Tier>(row.GetString(2), ignoreCase: true),
            row.GetInt32(3),
            row.GetInt64(4),
            DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)),
            row.IsDBNull(6) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)),
            !row.GetString(7).StartsWith(RevokedPrefix, StringComparison.Ordinal)
        )
        {
            Storage = ReadStorage(row, 8),
        };

    private static StorageUsage ReadStorage(SqliteDataReader row, int first) =>
        new(row.GetInt64(first), row.IsDBNull(first + 1) ? null : row.GetInt64(first + 1));

    private static string TierName(Tier tier) => tier.ToString().ToLowerInvariant();
}
