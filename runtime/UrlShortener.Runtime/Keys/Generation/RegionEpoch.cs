namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>Keeps the registry, the pool and this process agreed on the epoch in force. Used by the worker alone.</summary>
internal sealed class RegionEpoch(IKeyBatchStore registry, IRegionPool pool, GenerationSteps steps, KeyEpoch epoch, KeyGenerationState state, TimeProvider time)
{
    // Redis may lose what it was told, with a node or with all data.
    private static readonly TimeSpan TellInterval = TimeSpan.FromSeconds(10);

    private long _toldAt;
    private int _told;

    /// <summary>The epoch in force, known to the pool when this returns. The first is opened here.</summary>
    public async Task<int> EnsureAsync(CancellationToken cancellationToken)
    {
        var seen = epoch.Current;
        var current = await steps.RunAsync(GenerationStep.Epoch, registry.ReadEpochAsync, cancellationToken);
        // A registry that names an older epoch than was seen in force has lost the newer one, and what was done in it (a restored backup): codes that were
        // given to links, and states that caches hold.
        var least = current < seen ? seen + 1 : 1;
        if (current < least)
            current = await steps.RunAsync(GenerationStep.Epoch, token => registry.OpenEpochAsync(least, token), cancellationToken);
        epoch.Observe(current);

        if (current != _told || time.GetElapsedTime(_toldAt) >= TellInterval)
            await TellAsync(current, cancellationToken);
        return current;
    }

    /// <summary>Tells the pool again next time: after a failure it may be another server that answers.</summary>
    public void Forget() => _told = 0;

    private async Task TellAsync(int current, CancellationToken cancellationToken)
    {
        // The pool may have outlived the registry's newest epoch; the next look then finds the registry behind.
        epoch.Observe(await steps.RunAsync(GenerationStep.Tell, token => pool.SetEpochAsync(current, token), cancellationToken));
        _told = current;
        _toldAt = time.GetTimestamp();
        state.NoteTold(current);
    }
}
