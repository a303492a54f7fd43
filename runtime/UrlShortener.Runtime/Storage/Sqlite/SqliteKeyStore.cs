using System.Globalization;
using UrlShortener.Runtime.Keys;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <inheritdoc cref="IKeyClaims" />
internal sealed class SqliteKeyStore(SqliteDatabase database, TimeProvider time) : IKeyClaims, IEpochRegistry
{
    // The first batch that this run of the process added.
    private long _firstBatch = long.MaxValue;

    // Only the writer's thread uses it.
    private long _lastBatch;

    /// <summary>Returns the epoch in force.</summary>
    public static int ReadEpoch(SqliteSession session) =>
        Convert.ToInt32(session.Scalar("SELECT coalesce(max(epoch), 0) FROM kgs_epochs"), CultureInfo.InvariantCulture);

    /// <inheritdoc />
    public Task<IReadOnlyList<Key>> AddAsync(IReadOnlyList<string> codes, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<Key>>(
            session =>
            {
                var epoch = ReadEpoch(session);
                // Higher than the batches of earlier runs. This run's batches are counted in memory, since their rows leave the query as codes are used.
                var batch = _lastBatch = Math.Max(_lastBatch, (long)session.Scalar("SELECT coalesce(max(batch_id), 0) FROM kgs_keys WHERE is_used = 0")!) + 1;
                Interlocked.CompareExchange(ref _firstBatch, batch, long.MaxValue);
                return
                [
                    .. codes
                        .Where(code => session.Execute("INSERT INTO kgs_keys (short_code, batch_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", code, batch) == 1)
                        .Select(code => new Key(code, epoch)),
                ];
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<int> DeleteLeftoversAsync(int limit, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                session.Execute(
                    "DELETE FROM kgs_keys WHERE short_code IN (SELECT short_code FROM kgs_keys WHERE is_used = 0 AND batch_id < $1 LIMIT $2)",
                    Volatile.Read(ref _firstBatch),
                    limit
                ),
            cancellationToken
        );

    /// <inheritdoc />
    public Task<int> ReadEpochAsync(CancellationToken cancellationToken) => database.ReadAsync(ReadEpoch, cancellationToken);

    /// <inheritdoc />
    public Task<int> OpenEpochAsync(int epoch, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
            {
                var current = ReadEpoch(session);
                if (epoch <= current)
                    return current;
                session.Execute("INSERT INTO kgs_epochs (epoch, opened_at) VALUES ($1, $2)", epoch, time.GetUtcNow().ToUnixTimeMilliseconds());
                // Some of these codes belong to links that the file has lost. Marked as used, they are never given to a link again, not even as an alias.
                session.Execute("UPDATE kgs_keys SET is_used = 1 WHERE is_used = 0");
                return epoch;
            },
            cancellationToken
        );
}
