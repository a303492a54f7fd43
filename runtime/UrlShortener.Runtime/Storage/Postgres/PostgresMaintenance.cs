using Npgsql;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Housekeeping in the database, by whichever process comes first: counts of links folded into users' rows every few seconds, partitions made ahead every few minutes.</summary>
internal sealed partial class PostgresMaintenance(PostgresDatabase database, PostgresOptions options, TimeProvider time, ILogger<PostgresMaintenance> logger) : BackgroundService
{
    private const long FoldLock = 0x75726C75;
    private const int TicksPerPartitionRound = 120;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // What is folded is deleted in the same statement: counted once, whatever happens.
    private const string FoldSql =
        """
        WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($1) AS is_ours),
        taken AS (DELETE FROM user_link_counts USING turn WHERE turn.is_ours RETURNING user_id, links),
        sums AS (SELECT user_id, sum(links) AS links FROM taken GROUP BY user_id ORDER BY user_id)
        UPDATE users u SET urls_created = u.urls_created + sums.links FROM sums WHERE u.id = sums.user_id
        """;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var tick = 0;
        do
        {
            await TryAsync("counts of links", FoldAsync, stoppingToken);
            if (tick++ % TicksPerPartitionRound == 0)
                await TryAsync("partitions", EnsurePartitionsAsync, stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Adds the links counted lately to their users' rows.</summary>
    internal Task FoldAsync(CancellationToken cancellationToken) =>
        database.WriteAsync(
            "fold",
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(FoldSql, connection) { Parameters = { new() { Value = FoldLock } } };
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellationToken);

    /// <summary>Makes the partitions that will be needed.</summary>
    internal Task EnsurePartitionsAsync(CancellationToken cancellationToken) =>
        database.WriteAsync(
            "partitions",
            (connection, _) => PostgresPartitions.RunAsync(() =>
            {
                var isDone = PostgresPartitions.Ensure(connection, time.GetUtcNow(), options);
                PostgresPartitions.Measure(connection, time.GetUtcNow());
                return isDone;
            }),
            cancellationToken);

    private async Task TryAsync(string what, Func<CancellationToken, Task> step, CancellationToken cancellationToken)
    {
        try
        {
            await step(cancellationToken);
        }
        catch (Exception error) when (!error.IsStopBy(cancellationToken))
        {
            Log.Failed(logger, what, error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Maintenance of the tables failed and will be retried: {What}")]
        public static partial void Failed(ILogger logger, string what, Exception error);
    }
}
