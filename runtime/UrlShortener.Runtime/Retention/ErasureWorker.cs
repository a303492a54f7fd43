using Prometheus;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Retention;

/// <summary>Erases the clicks of deleted links from the server of statistics, soon after the deletion.</summary>
internal sealed partial class ErasureWorker(IClickErasure erasure, WriteAccess access, TimeProvider time, ILogger<ErasureWorker> logger)
    : RepeatedWork(TimeSpan.FromSeconds(5), access, time)
{
    private static readonly TimeSpan PurgeInterval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan PurgeAge = TimeSpan.FromDays(1);

    private static readonly Gauge Delay = Metrics.CreateGauge(
        "shortener_click_erasure_delay_seconds",
        "How long the clicks of a deleted link should have been erased from ClickHouse, the longest of all. 0: none is overdue."
    );

    private long _purgedAt = time.GetTimestamp();

    /// <inheritdoc />
    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        Delay.Set((await erasure.ReadDelayAsync(cancellationToken)).TotalSeconds);
        while (await erasure.EraseDueAsync(cancellationToken) > 0)
            await Task.Yield();
        if (Time.GetElapsedTime(_purgedAt) < PurgeInterval)
            return;
        await erasure.PurgeAsync(PurgeAge, cancellationToken);
        _purgedAt = Time.GetTimestamp();
    }

    /// <inheritdoc />
    protected override void Rest() => Delay.Set(0);

    /// <inheritdoc />
    protected override void LogFailure(Exception error) => Log.Failed(logger, error);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot erase the clicks of deleted links from ClickHouse; retrying every few minutes")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
