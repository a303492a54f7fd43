using Prometheus;
using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Folds the inbox of clicks when it is due, and once more when the process stops.</summary>
internal sealed partial class PostgresClickFoldWorker(
    PostgresClickFolder folder,
    WriteAccess access,
    TimeProvider time,
    ILogger<PostgresClickFoldWorker> logger
) : RepeatedWork(PostgresClickFolder.ShortestPause, access, time)
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    private static readonly Gauge Delay = Metrics.CreateGauge(
        "shortener_click_fold_delay_seconds",
        "How long the oldest click in the inbox of PostgreSQL has been stored without being counted."
    );

    private int _unreadable;

    /// <inheritdoc />
    // This service starts before the writer of clicks, and so stops after it has stored all of them.
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (Access.IsReadOnly)
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
    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        var (isDue, delay) = await folder.LookAsync(cancellationToken);
        // First, since it grows while folding fails.
        Delay.Set(delay.TotalSeconds);
        if (isDue)
            await folder.FoldAsync(cancellationToken);
        if (folder.Unreadable > _unreadable)
            Log.Unreadable(logger, folder.Unreadable);
        _unreadable = folder.Unreadable;
    }

    /// <inheritdoc />
    protected override void Rest() => Delay.Set(0);

    /// <inheritdoc />
    protected override void LogFailure(Exception error) => Log.Failed(logger, error);

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
