using System.Text;
using k8s.Models;
using Npgsql;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Backups;

/// <summary>Asks the primary about archiving.</summary>
internal static class ArchiverClient
{
    // Renaming a file of archive_status keeps its time: that of the end of the segment.
    private const string Query = $"""
        WITH files AS (SELECT name, modification FROM pg_ls_archive_statusdir())
        SELECT now(), ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int,
            last_archived_wal, last_archived_time, (SELECT modification FROM files WHERE name = last_archived_wal || '.done'), last_failed_time,
            (SELECT count(*)::int FROM files WHERE name LIKE '%.ready'), (SELECT min(modification) FROM files WHERE name LIKE '%.ready'),
            CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity') THEN pg_read_binary_file('{PostgresArchiving.ErrorFile}', 0, 4096, true) END
        FROM pg_stat_archiver
        """;

    /// <summary>What the primary says; null: it does not answer.</summary>
    public static async Task<ArchiverState?> AskAsync(V1Pod primary, MemberConnections connections, CancellationToken cancellationToken)
    {
        try
        {
            await using var source = MemberDatabase.Build(primary, connections);
            await using var command = source.CreateCommand(Query);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            return new ArchiverState(
                TimeOf(reader, 0)!.Value,
                reader.GetInt32(1),
                reader.IsDBNull(2) ? null : reader.GetString(2),
                TimeOf(reader, 3),
                TimeOf(reader, 4),
                TimeOf(reader, 5),
                reader.GetInt32(6),
                TimeOf(reader, 7)
            )
            {
                LastError = reader.IsDBNull(8) ? null : ArchiverState.FindCause(Encoding.UTF8.GetString(reader.GetFieldValue<byte[]>(8))),
            };
        }
        catch (Exception error) when (MemberDatabase.IsFailure(error, cancellationToken))
        {
            return null;
        }
    }

    private static DateTimeOffset? TimeOf(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : new DateTimeOffset(reader.GetDateTime(column).ToUniversalTime());
}
