using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Sums up past days, so that their statistics need not read single clicks. Until a day is summed up, its statistics are correct but slower.</summary>
internal sealed partial class SummingWorker(IDaySums sums, WriteAccess access, TimeProvider time, ILogger<SummingWorker> logger)
    : RepeatedWork(TimeSpan.FromSeconds(30), access, time)
{
    /// <inheritdoc />
    protected override bool BeginsAtOnce => true;

    /// <inheritdoc />
    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        // Clicks of the last moments before midnight may still be waiting to be written; the day would be summed up once more.
        while (await sums.SumUpAsync(DateOnly.FromDateTime(Time.GetUtcNow().AddMinutes(-5).UtcDateTime), cancellationToken) > 0)
            await Task.Yield();
    }

    /// <inheritdoc />
    protected override void LogFailure(Exception error) => Log.Failed(logger, error);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot sum up the clicks of past days; retrying every 30 s")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
