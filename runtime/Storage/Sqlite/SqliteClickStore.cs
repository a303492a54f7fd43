using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <inheritdoc />
internal sealed class SqliteClickStore(SqliteDatabase database) : IClickStore
{
    private const int SaltBytes = 32;
    private const int TopEntries = 250;
    private const string People = "FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3 AND is_bot = 0";

    /// <inheritdoc />
    public Task AppendAsync(IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken) =>
        database.WriteAsync(session => Append(session, clicks), cancellationToken);

    /// <inheritdoc />
    // A busy link has many rows to count; the request's own thread stays free.
    public Task<ClickTotals> ReadTotalsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken) =>
        Task.Run(
            () => database.ReadAsync(session => ReadTotals(session, shortCode, from.ToUnixTimeMilliseconds(), to.ToUnixTimeMilliseconds()), cancellationToken),
            cancellationToken);

    /// <inheritdoc />
    public Task<byte[]> GetSaltAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
            {
                var key = Key(day);
                session.Execute("INSERT INTO click_salts (day, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING", key, RandomNumberGenerator.GetBytes(SaltBytes));
                return (byte[])session.Scalar("SELECT salt FROM click_salts WHERE day = $1", key)!;
            },
            cancellationToken);

    /// <inheritdoc />
    public Task DeleteSaltsBeforeAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.Execute("DELETE FROM click_salts WHERE day < $1", Key(day)), cancellationToken);

    /// <inheritdoc />
    public Task<int> DeleteBeforeAsync(DateTimeOffset moment, int limit, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session => session.Execute(
                "DELETE FROM click_events WHERE id IN (SELECT id FROM click_events WHERE clicked_at < $1 ORDER BY id LIMIT $2)",
                moment.ToUnixTimeMilliseconds(), limit),
            cancellationToken);

    private static int Append(SqliteSession session, IReadOnlyList<StoredClick> clicks)
    {
        var people = new Dictionary<string, (long Count, long Last)>(StringComparer.Ordinal);
        var insert = session.Bind(
            """
            INSERT INTO click_events (short_code, clicked_at, referrer, source, user_agent, ip_hash, country, city, device, is_bot)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            null, null, null, null, null, null, null, null, null, null);
        var values = insert.Parameters;
        foreach (var click in clicks)
        {
            var at = click.At.ToUnixTimeMilliseconds();
            values[0].Value = click.ShortCode;
            values[1].Value = at;
            values[2].Value = click.Referrer ?? (object)DBNull.Value;
            values[3].Value = click.Source ?? (object)DBNull.Value;
            values[4].Value = click.UserAgent ?? (object)DBNull.Value;
            values[5].Value = click.IpHash;
            values[6].Value = click.Country ?? (object)DBNull.Value;
            values[7].Value = click.City ?? (object)DBNull.Value;
            values[8].Value = (long)click.Device;
            values[9].Value = click.IsBot ? 1L : 0L;
            insert.ExecuteNonQuery();
            if (click.IsBot)
                continue;
            ref var total = ref CollectionsMarshal.GetValueRefOrAddDefault(people, click.ShortCode, out _);
            total = (total.Count + 1, Math.Max(total.Last, at));
        }

        foreach (var (code, total) in people)
        {
            session.Execute(
                "UPDATE urls SET click_count = click_count + $1, last_accessed_at = max(coalesce(last_accessed_at, 0), $2) WHERE short_code = $3",
                total.Count, total.Last, code);
        }

        return clicks.Count;
    }

    private static ClickTotals ReadTotals(SqliteSession session, string code, long from, long to)
    {
        var (clicks, visitors) = session.Query(
            $"SELECT count(*), count(DISTINCT nullif(ip_hash, '')) {People}", row => (row.GetInt64(0), row.GetInt64(1)), code, from, to)[0];
        var bots = (long)session.Scalar(
            "SELECT count(*) FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3 AND is_bot = 1", code, from, to)!;
        return new ClickTotals(
            clicks,
            visitors,
            bots,
            session.Query(
                $"SELECT clicked_at / 900000 AS quarter, count(*) {People} GROUP BY quarter ORDER BY quarter",
                row => KeyValuePair.Create(row.GetInt64(0), row.GetInt64(1)), code, from, to),
            Top("country"),
            Top("source"),
            session.Query(
                $"SELECT device, count(*) {People} GROUP BY device ORDER BY device",
                row => KeyValuePair.Create((DeviceClass)row.GetInt64(0), row.GetInt64(1)), code, from, to));

        List<KeyValuePair<string?, long>> Top(string column) => session.Query(
            $"SELECT {column}, count(*) AS clicks {People} GROUP BY {column} ORDER BY clicks DESC, {column} LIMIT {TopEntries}",
            row => KeyValuePair.Create(row.IsDBNull(0) ? null : row.GetString(0), row.GetInt64(1)), code, from, to);
    }

    private static string Key(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
