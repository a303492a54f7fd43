using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Retention;

/// <summary>
/// Deletes data that is no longer needed: salts of past days, expired idempotency keys, old clicks, entries of the change log that every cache has read, and
/// codes that earlier runs left unused.
/// </summary>
internal sealed partial class RetentionWorker(
    IClickRetention clicks,
    IClickSalts salts,
    ILinkStore links,
    ILinkChangeLog changes,
    IKeyClaims keys,
    WriteAccess access,
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
            if (access.IsReadOnly)
                continue;
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

    /// <summary>Runs one round.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        // A click from just before midnight may still be waiting to be written.
        await salts.DeleteSaltsBeforeAsync(DateOnly.FromDateTime(now.AddMinutes(-5).UtcDateTime), cancellationToken);
        await links.DeleteExpiredIdempotencyKeysAsync(now, cancellationToken);
        // Kept as long as a cached entry may be older than the change, plus an hour.
        await changes.DeleteAsync(caching.LinkTtl + TimeSpan.FromHours(1), cancellationToken);
        // In small pieces: other writes wait for each piece.
        while (await keys.DeleteLeftoversAsync(KeysPerDelete, cancellationToken) == KeysPerDelete)
            await Task.Yield();
        // Clicks are kept until their day is summed up, which happens soon after the day ends.
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
