using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Maintains the database; the first process that gets the lock does the work. Adds counts of links and bytes to users' rows every few seconds, and
/// creates partitions ahead of time every few minutes.</summary>
internal sealed partial class PostgresMaintenance(
    PostgresDatabase database,
    WriteAccess access,
    PostgresOptions options,
    TimeProvider time,
    ILogger<PostgresMaintenance> logger
) : BackgroundService
{
    private const int TicksPerPartitionRound = 120;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var tick = 0;
        do
        {
            if (!access.IsReadOnly)
                await TryAsync("counts of links and bytes", FoldAsync, stoppingToken);
            if (tick++ % TicksPerPartitionRound == 0)
                await TryAsync("partitions", access.IsReadOnly ? MeasurePartitionsAsync : EnsurePartitionsAsync, stoppingToken);
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Adds the recently counted links and bytes to their users' rows.</summary>
    internal Task FoldAsync(CancellationToken cancellationToken) => database.WriteAsync("fold", PostgresUsage.FoldAsync, cancellationToken);

    // They come by replication, where nobody but the writing region creates them.
    private Task<bool> MeasurePartitionsAsync(CancellationToken cancellationToken) =>
        database.ReadNearAsync(
            (connection, _) =>
                PostgresPartitions.RunAsync(() =>
                {
                    PostgresPartitions.Measure(connection, time.GetUtcNow());
                    return true;
                }),
            cancellationToken
        );

    /// <summary>Creates the partitions that will be needed.</summary>
    internal Task EnsurePartitionsAsync(CancellationToken cancellationToken) =>
        database.WriteAsync(
            "partitions",
            (connection, _) =>
                PostgresPartitions.RunAsync(() =>
                {
                    try
                    {
                        return PostgresPartitions.Ensure(connection, time.GetUtcNow(), options);
                    }
                    finally
                    {
                        // Above all when none can be created.
                        PostgresPartitions.Measure(connection, time.GetUtcNow());
                    }
                }),
            cancellationToken
        );

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
