using Prometheus;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Folds the inbox of clicks when it is due, and once more when the process stops.</summary>
internal sealed partial class PostgresClickFoldWorker(
    PostgresClickFolder folder,
    WriteAccess access,
    TimeProvider time,
    ILogger<PostgresClickFoldWorker> logger
) : BackgroundService
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    private static readonly Gauge Delay = Metrics.CreateGauge(
        "shortener_click_fold_delay_seconds",
        "How long the oldest click in the inbox of PostgreSQL has been stored without being counted."
    );

    /// <inheritdoc />
    // This service starts before the writer of clicks, and so stops after it has stored all of them.
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (access.IsReadOnly)
            return;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StopLimit);
        try
        {
            await folder.FoldAllAsync(limit.Token);
        }
        // They are stored: another process counts them, or the next start.
        catch (Exception error)
        {
            Log.LeftAtStop(logger, error);
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(PostgresClickFolder.ShortestPause, time);
        var (isFailing, unreadable) = (false, 0);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (access.IsReadOnly)
            {
                // The region that takes changes counts them.
                Delay.Set(0);
                continue;
            }

            try
            {
                var (isDue, delay) = await folder.LookAsync(stoppingToken);
                // First, since it grows while folding fails.
                Delay.Set(delay.TotalSeconds);
                if (isDue)
                    await folder.FoldAsync(stoppingToken);
                if (folder.Unreadable > unreadable)
                    Log.Unreadable(logger, folder.Unreadable);
                unreadable = folder.Unreadable;
                isFailing = false;
            }
            catch (Exception error) when (!error.IsStopBy(stoppingToken))
            {
                // Once, not twice a second.
                if (!isFailing)
                    Log.Failed(logger, error);
                isFailing = true;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot count stored clicks; retrying until it works. They are kept, and statistics lack them until then")]
        public static partial void Failed(ILogger logger, Exception error);

        [LoggerMessage(
            3,
            LogLevel.Error,
            "Cannot fold {Count} stored batches of clicks in click_inbox, which a newer release wrote or which are damaged; statistics lack them. They are kept"
        )]
        public static partial void Unreadable(ILogger logger, int count);

        [LoggerMessage(2, LogLevel.Information, "Stored clicks were not counted before the stop; the next process counts them")]
        public static partial void LeftAtStop(ILogger logger, Exception error);
    }
}
