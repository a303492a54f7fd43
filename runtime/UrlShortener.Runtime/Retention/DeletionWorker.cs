using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Retention;

/// <summary>Deletes the clicks and sums of deleted links, soon after the deletion and in small pieces.</summary>
internal sealed partial class DeletionWorker(IClickRetention clicks, WriteAccess access, TimeProvider time, ILogger<DeletionWorker> logger) : BackgroundService
{
    private const int RecordsPerDelete = 2_000;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var isFailing = false;
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (access.IsReadOnly)
                continue;
            try
            {
                while (await clicks.DeleteOfDeletedLinksAsync(RecordsPerDelete, stoppingToken) > 0)
                    await Task.Yield();
                isFailing = false;
            }
            catch (Exception error) when (!error.IsStopBy(stoppingToken))
            {
                if (!isFailing)
                    Log.Failed(logger, error);
                isFailing = true;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot delete the clicks of deleted links; retrying every few seconds")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
