using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Administration;

/// <summary>
/// <c>restored</c>: run it after a store lost its last changes, because of a restored backup or a failover with data loss. Opens an epoch above every epoch
/// that the store and the region's Redis know. This makes void what Redis and the processes still hold of the lost changes. Safe to repeat.
/// </summary>
internal static class RestoredCommand
{
    // A first connection may take longer than a call when the machine is busy.
    private static readonly TimeSpan RedisLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs the command; returns the exit code.</summary>
    public static async Task<int> RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var registry = services.GetRequiredService<IEpochRegistry>();
        var pool = services.GetService<IRegionPool>();
        int pooled;
        try
        {
            pooled = pool is null ? 0 : await ReadEpochAsync(pool, services.GetRequiredService<TimeProvider>(), cancellationToken);
        }
        catch (DependencyException error)
        {
            await Console.Error.WriteLineAsync(
                $"ConnectionStrings:Redis cannot be used, and nothing was changed: {error.Message} Redis may hold links that the store has lost; start "
                    + "it, and run this again."
            );
            return ExitCode.Failed;
        }

        var before = await registry.ReadEpochAsync(cancellationToken);
        var wanted = Math.Max(before, pooled) + 1;
        var opened = await registry.OpenEpochAsync(wanted, cancellationToken);
        Console.WriteLine($"Opened epoch {opened}. The store was at epoch {before}{(pool is null ? "" : $", Redis at {pooled}")}.");
        if (pool is not null)
        {
            await pool.SetEpochAsync(opened, cancellationToken);
            Console.WriteLine("Emptied the pools of unused codes of older epochs in Redis.");
        }

        Console.WriteLine("Void from now on: unused codes and links held in memory or in Redis from before. Running processes notice within a second.");
        Console.WriteLine("Links created or changed after the backup are lost; their codes were not given back, but an alias can be taken again.");
        return ExitCode.Done;
    }

    // Asks until Redis answers, for the limit at most.
    private static async Task<int> ReadEpochAsync(IRegionPool pool, TimeProvider time, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await pool.ReadEpochAsync(cancellationToken) ?? 0;
            }
            catch (DependencyException) when (time.GetElapsedTime(began) < RedisLimit)
            {
                await Task.Delay(RetryDelay, time, cancellationToken);
            }
        }
    }
}
