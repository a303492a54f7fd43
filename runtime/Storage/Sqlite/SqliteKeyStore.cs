using UrlShortener.Runtime.Keys;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <inheritdoc />
internal sealed class SqliteKeyStore(SqliteDatabase database) : IKeyStore
{
    /// <inheritdoc />
    public Task<IReadOnlyList<string>> AddAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<string>>(
            session =>
            {
                var batch = (long)(session.Scalar("SELECT coalesce(max(batch_id), 0) + 1 FROM kgs_keys WHERE is_used = 0") ?? 1L);
                return [.. keys.Where(key => session.Execute("INSERT INTO kgs_keys (short_code, batch_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", key, batch) == 1)];
            },
            cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<string>> ReadUnusedAsync(int limit, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<string>>(
            session => session.Query("SELECT short_code FROM kgs_keys WHERE is_used = 0 LIMIT $1", row => row.GetString(0), limit),
            cancellationToken);
}
