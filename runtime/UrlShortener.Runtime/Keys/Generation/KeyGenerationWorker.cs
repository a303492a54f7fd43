using UrlShortener.Contracts;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>
/// Keeps the region's pool between its watermarks: starts to fill below the low watermark or on command, and stops at the target. Several workers may work on
/// one region. An outage of the registry or the pool does not end the worker. It pauses while the region takes no changes: the registry cannot be written.
/// </summary>
internal sealed partial class KeyGenerationWorker(
    RegionEpoch epochs,
    KeyBatches batches,
    GenerationSteps steps,
    IKeyBatchStore registry,
    IRegionPool pool,
    RefillSignal refill,
    KeyGenerationState state,
    WriteAccess access,
    KgsOptions options,
    TimeProvider time,
    ILogger<KeyGenerationWorker> logger
) : BackgroundService
{
    // The time between two checks of the pool. A fill is interrupted as often, to check the epoch and look for unfinished batches.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan EstimateInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan OneMillisecond = TimeSpan.FromMilliseconds(1);

    private readonly GenerationBudget _budget = new(options.MaxKeysPerSecond, time);
    private bool _isFilling;
    private int _failures;
    private long? _estimatedAt;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Start-up does not wait for the registry.
        await Task.Yield();
        while (true)
        {
            var wait = await TurnAsync(stoppingToken);
            if (wait > TimeSpan.Zero)
                await refill.WaitAsync(wait, stoppingToken);
        }
    }

    // Checks everything once; returns how long to wait before the next check.
    private async Task<TimeSpan> TurnAsync(CancellationToken cancellationToken)
    {
        // Stays set through failures until the target is reached.
        _isFilling |= refill.TryTake();
        if (access.IsReadOnly)
        {
            state.NotePhase(KeyGenerationPhase.Paused);
            // The epoch in force may be another one afterwards, and Redis may have lost what it was told.
            epochs.Forget();
            return Interval;
        }

        try
        {
            var goesOn = await KeepAsync(cancellationToken);
            await EstimateAsync(cancellationToken);
            if (_failures > 0)
                Log.Recovered(logger, _failures);
            _failures = 0;
            state.NotePhase(_isFilling ? KeyGenerationPhase.Running : KeyGenerationPhase.Idle);
            return goesOn ? TimeSpan.Zero : Interval;
        }
        // Checks the token, not the exception type: some clients report a timeout as a cancellation, which must not end the worker.
        catch (Exception error) when (!error.IsStopBy(cancellationToken))
        {
            // A turn that began before the region stopped taking changes has not failed.
            if (access.IsReadOnly)
                return Interval;
            if (_failures++ == 0)
                Log.Failed(logger, error);
            state.NotePhase(KeyGenerationPhase.Failing);
            epochs.Forget();
            return RetryBackoff.After(_failures);
        }
    }

    // Returns whether a fill must continue at once.
    private async Task<bool> KeepAsync(CancellationToken cancellationToken)
    {
        var epoch = await epochs.EnsureAsync(cancellationToken);
        await batches.AdoptAsync(cancellationToken);
        var level = await CountAsync(epoch, cancellationToken);
        state.NoteSample(epoch, level);
        _isFilling |= level < options.LowWatermark;
        if (!_isFilling)
            return false;

        using var fill = new PoolFill(level, options.TargetLevel, token => RecountAsync(epoch, token));
        var isInForce = await FillAsync(epoch, fill, cancellationToken);
        _isFilling = !fill.IsComplete;
        // If the epoch was closed, the next turn reads the new one. That turn comes after a wait, to avoid a busy loop if the registry contradicts itself.
        return _isFilling && isInForce;
    }

    // Returns false if the epoch is no longer in force.
    private async Task<bool> FillAsync(int epoch, PoolFill fill, CancellationToken cancellationToken)
    {
        NotePhase(KeyGenerationPhase.Running);
        var started = time.GetTimestamp();
        var loops = Enumerable
            .Range(0, options.Workers)
            .Select(_ => Task.Run(() => MakeBatchesAsync(epoch, fill, started, cancellationToken), cancellationToken));
        return Array.TrueForAll(await Task.WhenAll(loops), isInForce => isInForce);
    }

    private async Task<bool> MakeBatchesAsync(int epoch, PoolFill fill, long started, CancellationToken cancellationToken)
    {
        try
        {
            var size = 0;
            while ((size = await fill.NextAsync(size, LargestBatch(fill), cancellationToken)) > 0)
            {
                if (!await WaitForBudgetAsync(size, fill, started, cancellationToken))
                    return true;
                NotePhase(KeyGenerationPhase.Running);
                if (!await batches.TryMakeAsync(epoch, size, cancellationToken))
                {
                    fill.Stop();
                    return false;
                }

                if (time.GetElapsedTime(started) >= Interval)
                    fill.Stop();
            }

            return true;
        }
        catch (Exception)
        {
            // The other loops would fail with the same outage.
            fill.Stop();
            throw;
        }
    }

    // Below the critical level, codes matter more than the load on PostgreSQL.
    private bool IsThrottled(PoolFill fill) => fill.Level >= options.CriticalWatermark;

    // With a low limit, small batches of one second each load the database more evenly than occasional large ones.
    private int LargestBatch(PoolFill fill) => IsThrottled(fill) ? Math.Min(options.BatchSize, options.MaxKeysPerSecond) : options.BatchSize;

    // Returns whether the batch may start; false if the turn ends first.
    private async Task<bool> WaitForBudgetAsync(int size, PoolFill fill, long started, CancellationToken cancellationToken)
    {
        while (IsThrottled(fill) && !_budget.TryTake(size, out var wait))
        {
            var left = Interval - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
            {
                fill.Stop();
                return false;
            }

            NotePhase(KeyGenerationPhase.Throttled);
            // Timers count whole milliseconds and round down.
            await Task.Delay((wait < left ? wait : left) + OneMillisecond, time, cancellationToken);
        }

        return true;
    }

    // After a failure, the phase stays failing until a whole turn has succeeded.
    private void NotePhase(string phase)
    {
        if (_failures == 0)
            state.NotePhase(phase);
    }

    private Task<long> CountAsync(int epoch, CancellationToken cancellationToken) =>
        steps.RunAsync(GenerationStep.Level, token => pool.CountAsync(epoch, token), cancellationToken);

    private async Task<long> RecountAsync(int epoch, CancellationToken cancellationToken)
    {
        var level = await CountAsync(epoch, cancellationToken);
        state.NoteLevel(epoch, level);
        return level;
    }

    private async Task EstimateAsync(CancellationToken cancellationToken)
    {
        if (_estimatedAt is { } estimatedAt && time.GetElapsedTime(estimatedAt) < EstimateInterval)
            return;
        state.NoteRegistered(await steps.RunAsync(GenerationStep.Estimate, registry.EstimateCountAsync, cancellationToken));
        _estimatedAt = time.GetTimestamp();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot maintain the region's key pool; retrying")]
        public static partial void Failed(ILogger logger, Exception error);

        [LoggerMessage(2, LogLevel.Information, "Maintaining the region's key pool again after {Failures} failures")]
        public static partial void Recovered(ILogger logger, int failures);
    }
}
