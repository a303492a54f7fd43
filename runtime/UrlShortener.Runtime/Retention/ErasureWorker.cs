using Prometheus;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Retention;

/// <summary>Erases the clicks of deleted links from the server of statistics, soon after the deletion.</summary>
internal sealed partial class ErasureWorker(IClickErasure erasure, WriteAccess access, TimeProvider time, ILogger<ErasureWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PurgeInterval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan PurgeAge = TimeSpan.FromDays(1);

    private static readonly Gauge Delay = Metrics.CreateGauge(
        "shortener_click_erasure_delay_seconds",
        "How long the clicks of a deleted link should have been erased from ClickHouse, the longest of all. 0: none is overdue."
    );

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var isFailing = false;
        var purgedAt = time.GetTimestamp();
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (access.IsReadOnly)
            {
                Delay.Set(0);
                continue;
            }

            try
            {
                Delay.Set((await erasure.ReadDelayAsync(stoppingToken)).TotalSeconds);
                while (await erasure.EraseDueAsync(stoppingToken) > 0)
                    await Task.Yield();
                if (time.GetElapsedTime(purgedAt) >= PurgeInterval)
                {
                    await erasure.PurgeAsync(PurgeAge, stoppingToken);
                    purgedAt = time.GetTimestamp();
                }

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
        [LoggerMessage(1, LogLevel.Warning, "Cannot erase the clicks of deleted links from ClickHouse; retrying every few minutes")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
