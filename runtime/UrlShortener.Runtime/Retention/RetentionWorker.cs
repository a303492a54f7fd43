using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Retention;

/// <summary>
/// Deletes what has served its time: the salts of days gone by, ended idempotency keys, old clicks, changes that every cache has heard of, codes that earlier
/// runs left unused.
/// </summary>
internal sealed partial class RetentionWorker(
    IClickRetention clicks,
    IClickSalts salts,
    ILinkStore links,
    ILinkChangeLog changes,
    IKeyClaims keys,
    ClickOptions options,
    RedisOptions caching,
    TimeProvider time,
    ILogger<RetentionWorker> logger
) : BackgroundService
{
    private const int ClicksPerDelete = 5_000;
    private const int KeysPerDelete = 1_000;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await RunAsync(stoppingToken);
            }
            catch (Exception error) when (!error.IsStopBy(stoppingToken))
            {
                Log.Failed(logger, error);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>One round.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        // A click of the last second before midnight may still be waiting to be written.
        await salts.DeleteSaltsBeforeAsync(DateOnly.FromDateTime(now.AddMinutes(-5).UtcDateTime), cancellationToken);
        await links.DeleteExpiredIdempotencyKeysAsync(now, cancellationToken);
        // For as long as anything cached may be older than the change, and an hour more.
        await changes.DeleteAsync(caching.LinkTtl + TimeSpan.FromHours(1), cancellationToken);
        // In small pieces: other writes wait for each.
        while (await keys.DeleteLeftoversAsync(KeysPerDelete, cancellationToken) == KeysPerDelete)
            await Task.Yield();
        // Not before the day is summed up, which is soon after its end.
        var (kept, yesterday) = (now.AddDays(-options.RetentionDays), new DateTimeOffset(now.AddHours(-1).UtcDateTime.Date, TimeSpan.Zero).AddDays(-1));
        while (await clicks.DeleteBeforeAsync(kept < yesterday ? kept : yesterday, ClicksPerDelete, cancellationToken) == ClicksPerDelete)
            await Task.Yield();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot delete old data; retrying in the next round")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
