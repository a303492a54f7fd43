using System.Runtime.CompilerServices;
using Npgsql;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Statistics;
using static UrlShortener.Runtime.Storage.Postgres.PostgresCommands;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Reads single clicks in pages, each of which goes on where the one before ended.</summary>
internal sealed class PostgresSingleClicks(PostgresDatabase database) : ISingleClicks
{
    private const int ClicksPerPage = 5_000;

    private const string CountSql = """
        SELECT count(*) FROM (SELECT 1 FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3 LIMIT $4) clicks
        """;

    // The condition on the pair alone would read the index from the start of the link.
    private const string PageSql = """
        SELECT clicked_at, id, is_bot, device, country, left(source, 255) FROM click_events
        WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3 AND (clicked_at, id) > ($2, $4) ORDER BY clicked_at, id LIMIT $5
        """;

    /// <inheritdoc />
    public Task<long> CountAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long limit, long caller, CancellationToken cancellationToken) =>
        database.QueryNearAsync(
            caller,
            async (connection, token) =>
            {
                await using var batch = new NpgsqlBatch(connection)
                {
                    BatchCommands = { Command(CountSql, shortCode, from.UtcDateTime, to.UtcDateTime, limit) },
                };
                return (long)(await batch.ExecuteScalarAsync(token))!;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public async IAsyncEnumerable<IReadOnlyList<SingleClick>> ReadAsync(
        string shortCode,
        DateTimeOffset from,
        DateTimeOffset to,
        long caller,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        for (var next = ((DateTime At, long Id)?)(from.UtcDateTime, 0); next is { } after; )
        {
            (var page, next) = await database.QueryNearAsync(
                caller,
                (connection, token) => ReadPageAsync(connection, shortCode, after, to.UtcDateTime, token),
                cancellationToken
            );
            if (page.Count > 0)
                yield return page;
        }
    }

    // And where the next page begins; null after the last one.
    private static async Task<(List<SingleClick> Page, (DateTime At, long Id)? Next)> ReadPageAsync(
        NpgsqlConnection connection,
        string shortCode,
        (DateTime At, long Id) after,
        DateTime to,
        CancellationToken cancellationToken
    )
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Command(PageSql, shortCode, after.At, to, after.Id, ClicksPerPage) } };
        await using var row = await batch.ExecuteReaderAsync(cancellationToken);
        var page = new List<SingleClick>();
        while (await row.ReadAsync(cancellationToken))
        {
            after = (row.GetDateTime(0), row.GetInt64(1));
            page.Add(
                new SingleClick(
                    new DateTimeOffset(after.At),
                    row.GetBoolean(2),
                    (DeviceClass)row.GetInt16(3),
                    row.IsDBNull(4) ? null : row.GetString(4),
                    row.IsDBNull(5) ? null : row.GetString(5)
                )
            );
        }

        return (page, page.Count < ClicksPerPage ? null : after);
    }
}
