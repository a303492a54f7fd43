using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Keys;

/// <summary>Refills this process' pool in blocks, and returns unused codes when the process stops.</summary>
internal sealed partial class KeyPoolWorker(
    KeyPool pool,
    IKeySource source,
    WriteAccess access,
    KeyOptions options,
    TimeProvider time,
    ILogger<KeyPoolWorker> logger
) : BackgroundService
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        var unused = pool.TakeAll();
        if (unused.Count == 0)
            return;
        try
        {
            await source.ReturnAsync(unused, cancellationToken);
        }
        // These codes are lost, which does no harm. The stop must not fail because of them.
        catch (Exception error)
        {
            Log.NotReturned(logger, unused.Count, error);
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Start-up does not wait for the pool: until it is filled, codes are made on demand.
        await Task.Yield();
        while (true)
        {
            while (pool.Level < options.PoolSize)
            {
                // A region that takes no changes needs no codes, and its registry gives none out.
                if (access.IsReadOnly || !await TryRefillAsync(stoppingToken))
                    await Task.Delay(RetryDelay, time, stoppingToken);
            }

            await pool.WaitUntilLowAsync(stoppingToken);
        }
    }

    private async Task<bool> TryRefillAsync(CancellationToken cancellationToken)
    {
        try
        {
            var keys = await source.TakeAsync(Math.Min(options.BatchSize, options.PoolSize - pool.Level), cancellationToken);
            pool.Add(keys);
            return keys.Count > 0;
        }
        // Checks the token, not the exception type: some clients report a timeout as a cancellation, which must not end the worker.
        catch (Exception error) when (!error.IsStopBy(cancellationToken))
        {
            Log.RefillFailed(logger, error);
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot fill the key pool; generating codes on demand until it can be filled")]
        public static partial void RefillFailed(ILogger logger, Exception error);

        [LoggerMessage(2, LogLevel.Warning, "Cannot return {Count} unused codes; they will never be used")]
        public static partial void NotReturned(ILogger logger, int count, Exception error);
    }
}
