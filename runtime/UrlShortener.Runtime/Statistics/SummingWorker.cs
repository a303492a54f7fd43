using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Sums up past days, so that their statistics need not read single clicks. Until a day is summed up, its statistics are correct but slower.</summary>
internal sealed partial class SummingWorker(IDaySums sums, WriteAccess access, TimeProvider time, ILogger<SummingWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var isFailing = false;
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            if (access.IsReadOnly)
                continue;
            try
            {
                // Clicks of the last moments before midnight may still be waiting to be written; the day would be summed up once more.
                while (await sums.SumUpAsync(DateOnly.FromDateTime(time.GetUtcNow().AddMinutes(-5).UtcDateTime), stoppingToken) > 0)
                    await Task.Yield();
                isFailing = false;
            }
            catch (Exception error) when (!error.IsStopBy(stoppingToken))
            {
                if (!isFailing)
                    Log.Failed(logger, error);
                isFailing = true;
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot sum up the clicks of past days; retrying every 30 s")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
