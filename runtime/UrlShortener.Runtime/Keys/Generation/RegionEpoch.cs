namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>Keeps the epoch in force consistent in the registry, the pool and this process. Only the worker uses it.</summary>
internal sealed class RegionEpoch(IKeyBatchStore registry, IRegionPool pool, GenerationSteps steps, KeyEpoch epoch, KeyGenerationState state, TimeProvider time)
{
    // Redis may lose the epoch with a node or with all its data, so it is set again at this interval.
    private static readonly TimeSpan TellInterval = TimeSpan.FromSeconds(10);

    private long _toldAt;
    private int _told;

    /// <summary>Returns the epoch in force, after setting it in the pool. Opens the first epoch.</summary>
    public async Task<int> EnsureAsync(CancellationToken cancellationToken)
    {
        var seen = epoch.Current;
        var current = await steps.RunAsync(GenerationStep.Epoch, registry.ReadEpochAsync, cancellationToken);
        // If the registry names an older epoch than this process has seen in force, it has lost the newer epoch (a restored backup) and what happened in
        // it: codes that were given to links, and states that caches hold.
        var least = current < seen ? seen + 1 : 1;
        if (current < least)
            current = await steps.RunAsync(GenerationStep.Epoch, token => registry.OpenEpochAsync(least, token), cancellationToken);
        epoch.Observe(current);

        if (current != _told || time.GetElapsedTime(_toldAt) >= TellInterval)
            await TellAsync(current, cancellationToken);
        return current;
    }

    /// <summary>Makes the next call set the epoch in the pool again: after a failure, a different server may answer.</summary>
    public void Forget() => _told = 0;

    private async Task TellAsync(int current, CancellationToken cancellationToken)
    {
        // The pool may know a newer epoch than a restored registry. The next check then finds that the registry is behind.
        epoch.Observe(await steps.RunAsync(GenerationStep.Tell, token => pool.SetEpochAsync(current, token), cancellationToken));
        _told = current;
        _toldAt = time.GetTimestamp();
        state.NoteTold(current);
    }
}
