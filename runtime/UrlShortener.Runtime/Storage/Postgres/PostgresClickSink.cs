using Npgsql;
using NpgsqlTypes;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Stores clicks and counts those of each link, in one transaction.</summary>
internal sealed class PostgresClickSink(PostgresDatabase database) : IClickSink
{
    private const string CopySql =
        "COPY click_events (short_code, clicked_at, referrer, user_agent, ip_hash, country, city, source, device, is_bot) FROM STDIN (FORMAT binary)";

    /// <inheritdoc />
    public async Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        if (clicks.Count == 0)
            return;
        await database.WriteInBackgroundAsync(
            "clicks",
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(token);
                await using var begin = new NpgsqlCommand("INSERT INTO click_batches (id) VALUES ($1) ON CONFLICT DO NOTHING", connection)
                {
                    Parameters = { new() { Value = batch } },
                };
                if (await begin.ExecuteNonQueryAsync(token) == 0)
                    return false;
                await CopyAsync(connection, clicks, token);
                await PostgresLinkCounts.CountAsync(connection, clicks, token);
                await transaction.CommitAsync(token);
                return true;
            },
            cancellationToken
        );
    }

    private static async Task CopyAsync(NpgsqlConnection connection, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        await using var writer = await connection.BeginBinaryImportAsync(CopySql, cancellationToken);
        foreach (var click in clicks)
        {
            await writer.StartRowAsync(cancellationToken);
            await writer.WriteAsync(click.ShortCode, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(click.At.UtcDateTime, NpgsqlDbType.TimestampTz, cancellationToken);
            await WriteTextAsync(writer, click.Referrer, cancellationToken);
            await WriteTextAsync(writer, click.UserAgent, cancellationToken);
            await WriteTextAsync(writer, click.IpHash.ToString(), cancellationToken);
            await WriteTextAsync(writer, click.Country, cancellationToken);
            await WriteTextAsync(writer, click.City, cancellationToken);
            await WriteTextAsync(writer, click.Source, cancellationToken);
            await writer.WriteAsync((short)click.Device, NpgsqlDbType.Smallint, cancellationToken);
            await writer.WriteAsync(click.IsBot, NpgsqlDbType.Boolean, cancellationToken);
        }

        await writer.CompleteAsync(cancellationToken);
    }

    private static Task WriteTextAsync(NpgsqlBinaryImporter writer, string? text, CancellationToken cancellationToken) =>
        text is null ? writer.WriteNullAsync(cancellationToken) : writer.WriteAsync(text, NpgsqlDbType.Text, cancellationToken);
}
