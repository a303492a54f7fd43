using Npgsql;
using NpgsqlTypes;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <inheritdoc />
internal sealed class PostgresUserStore(PostgresDatabase database) : IUserStore
{
    // Never equal to the digest of an API key. The id after it makes it unique, as the column requires.
    private const string RevokedPrefix = "revoked:";

    // The sum includes recent counts that are not folded into the user's row yet.
    private const string Storage =
        "coalesce(u.stored_bytes, 0) + coalesce((SELECT sum(bytes)::bigint FROM user_byte_counts WHERE user_id = u.id), 0), u.quota_bytes";

    private const string Columns = $"""
        u.id, u.email, u.tier, u.rate_limit, u.urls_created + coalesce((SELECT sum(links)::bigint FROM user_link_counts WHERE user_id = u.id), 0), u.created_at, u.last_active_at,
        u.api_key, {Storage}
        """;

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
            "user",
            (connection, token) =>
                QueryOneAsync(
                    connection,
                    $"INSERT INTO users AS u (email, api_key, tier, rate_limit, created_at, quota_bytes) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT "
                        + $"(email) DO NOTHING RETURNING {Columns}",
                    token,
                    email,
                    keyHash,
                    TierName(tier),
                    rateLimit,
                    now.UtcDateTime,
                    OrNull(quota)
                ),
            cancellationToken
        );

    /// <inheritdoc />
    public Task<User?> FindByKeyHashAsync(string keyHash, CancellationToken cancellationToken) =>
        FindAsync($"SELECT {Columns} FROM users u WHERE u.api_key = $1 AND u.deleted_at IS NULL", keyHash, cancellationToken);

    /// <inheritdoc />
    public Task<User?> FindByEmailAsync(string email, CancellationToken cancellationToken) =>
        FindAsync($"SELECT {Columns} FROM users u WHERE u.email = $1 AND u.deleted_at IS NULL", email, cancellationToken);

    /// <inheritdoc />
    public Task<bool> SetKeyHashAsync(string email, string? keyHash, CancellationToken cancellationToken) =>
        database.WriteAsync(
            "user key",
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(
                    "UPDATE users SET api_key = coalesce($1, $2 || id) WHERE email = $3 AND deleted_at IS NULL",
                    connection
                )
                {
                    Parameters =
                    {
                        new() { Value = (object?)keyHash ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                        new() { Value = RevokedPrefix },
                        new() { Value = email },
                    },
                };
                return await command.ExecuteNonQueryAsync(token) == 1;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<bool> SetQuotaAsync(string email, long? quota, CancellationToken cancellationToken) =>
        database.WriteAsync(
            "user quota",
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand("UPDATE users SET quota_bytes = $1 WHERE email = $2 AND deleted_at IS NULL", connection)
                {
                    Parameters =
                    {
                        OrNull(quota),
                        new() { Value = email },
                    },
                };
                return await command.ExecuteNonQueryAsync(token) == 1;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<StorageUsage> ReadStorageAsync(long id, CancellationToken cancellationToken) =>
        database.ReadPrimaryAsync(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand($"SELECT {Storage} FROM users u WHERE u.id = $1", connection)
                {
                    Parameters = { new() { Value = id } },
                };
                await using var reader = await command.ExecuteReaderAsync(token);
                return await reader.ReadAsync(token) ? ReadStorage(reader, 0) : default;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<DoomedUser?> FindDoomedAsync(string email, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "user to delete",
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(
                    "SELECT id, (SELECT count(*) FROM urls WHERE user_id = users.id), deleted_at IS NOT NULL FROM users WHERE email = $1",
                    connection
                )
                {
                    Parameters = { new() { Value = email } },
                };
                await using var reader = await command.ExecuteReaderAsync(token);
                return await reader.ReadAsync(token) ? new DoomedUser(reader.GetInt64(0), reader.GetInt64(1), reader.GetBoolean(2)) : null;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task BeginDeletionAsync(long id, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "user deletion",
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(
                    "UPDATE users SET deleted_at = coalesce(deleted_at, $2), api_key = $3 || id WHERE id = $1",
                    connection
                )
                {
                    Parameters =
                    {
                        new() { Value = id },
                        new() { Value = now.UtcDateTime },
                        new() { Value = RevokedPrefix },
                    },
                };
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellationToken
        );

    /// <inheritdoc />
    public async Task<bool> TryDeleteAsync(long id, CancellationToken cancellationToken)
    {
        try
        {
            return await database.WriteInBackgroundAsync(
                "user deletion",
                async (connection, token) =>
                {
                    // Delete the counts of links first: like links, they refer to the user.
                    await using var batch = new NpgsqlBatch(connection)
                    {
                        BatchCommands =
                        {
                            new("DELETE FROM user_link_counts WHERE user_id = $1") { Parameters = { new() { Value = id } } },
                            new("DELETE FROM users WHERE id = $1") { Parameters = { new() { Value = id } } },
                        },
                    };
                    await batch.ExecuteNonQueryAsync(token);
                    return true;
                },
                cancellationToken
            );
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            return false;
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<User>> ListAsync(CancellationToken cancellationToken) =>
        database.ReadNewestAsync<IReadOnlyList<User>>(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand($"SELECT {Columns} FROM users u ORDER BY u.id", connection);
                await using var reader = await command.ExecuteReaderAsync(token);
                var users = new List<User>();
                while (await reader.ReadAsync(token))
                    users.Add(Read(reader));
                return users;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public async Task RecordActivityAsync(IReadOnlyCollection<KeyValuePair<long, DateTimeOffset>> activity, CancellationToken cancellationToken)
    {
        if (activity.Count == 0)
            return;
        await database.WriteAsync(
            "activity",
            async (connection, token) =>
            {
                // Lock the rows in the order of ids, so that processes that record the same users do not deadlock.
                await using var command = new NpgsqlCommand(
                    """
                    WITH seen AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::timestamptz[]) AS s (id, at)),
                    locked AS MATERIALIZED (SELECT u.id FROM users u JOIN seen USING (id) ORDER BY u.id FOR NO KEY UPDATE OF u)
                    UPDATE users u SET last_active_at = greatest(u.last_active_at, seen.at) FROM seen JOIN locked USING (id) WHERE u.id = seen.id
                    """,
                    connection
                )
                {
                    Parameters =
                    {
                        new() { Value = activity.Select(entry => entry.Key).ToArray() },
                        new() { Value = activity.Select(entry => entry.Value.UtcDateTime).ToArray() },
                    },
                };
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellationToken
        );
    }

    // PostgreSQL cannot store NUL, so no user has such a value.
    private Task<User?> FindAsync(string sql, string value, CancellationToken cancellationToken) =>
        value.Contains('\0', StringComparison.Ordinal)
            ? Task.FromResult<User?>(null)
            : database.FindAsync((connection, token) => QueryOneAsync(connection, sql, token, value), found => found is not null, cancellationToken);

    private static async Task<User?> QueryOneAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Read(reader) : null;
    }

    private static User Read(NpgsqlDataReader row) =>
        new(
            row.GetInt64(0),
            row.GetString(1),
            Enum.Parse<Tier>(row.GetString(2), ignoreCase: true),
            row.GetInt32(3),
            row.GetInt64(4),
            row.GetFieldValue<DateTimeOffset>(5),
            row.IsDBNull(6) ? null : row.GetFieldValue<DateTimeOffset>(6),
            !row.GetString(7).StartsWith(RevokedPrefix, StringComparison.Ordinal)
        )
        {
            Storage = ReadStorage(row, 8),
        };

    private static StorageUsage ReadStorage(NpgsqlDataReader row, int first) =>
        new(row.GetInt64(first), row.IsDBNull(first + 1) ? null : row.GetInt64(first + 1));

    private static NpgsqlParameter OrNull(long? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint };

    private static string TierName(Tier tier) => tier.ToString().ToLowerInvariant();
}
