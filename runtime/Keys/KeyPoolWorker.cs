using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Keys;

/// <summary>Keeps the pool filled: unused codes of an earlier run first, then freshly generated ones.</summary>
internal sealed partial class KeyPoolWorker(KeyPool pool, IKeyStore store, KeyOptions options, TimeProvider time, ILogger<KeyPoolWorker> logger) : BackgroundService
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Start-up does not wait for the pool: until it is filled, codes are made on demand.
        await Task.Yield();
        while (!await TryAsync(async () => pool.Add(await store.ReadUnusedAsync(options.PoolSize, stoppingToken)), stoppingToken))
        {
            // Without the codes of the earlier run new ones would be claimed in their place for ever.
        }

        while (true)
        {
            while (pool.Level < options.PoolSize)
                await TryAsync(() => RefillAsync(stoppingToken), stoppingToken);
            await pool.WaitUntilLowAsync(stoppingToken);
        }
    }

    private async Task RefillAsync(CancellationToken cancellationToken)
    {
        var wanted = Math.Min(options.BatchSize, options.PoolSize - pool.Level);
        var keys = new HashSet<string>(wanted, StringComparer.Ordinal);
        while (keys.Count < wanted)
            keys.Add(KeyGenerator.Generate());
        var added = await store.AddAsync([.. keys], cancellationToken);
        pool.Add(added);
        KeyMetrics.Generated.Inc(added.Count);
    }

    private async Task<bool> TryAsync(Func<Task> step, CancellationToken cancellationToken)
    {
        try
        {
            await step();
            return true;
        }
        // By the token, not by the type: a timeout is a cancellation to some clients, and must not end the worker.
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            Log.RefillFailed(logger, error);
            await Task.Delay(RetryDelay, time, cancellationToken);
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The key pool could not be filled; codes are made on demand until it can")]
        public static partial void RefillFailed(ILogger logger, Exception error);
    }
}
