using System.Diagnostics;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>
/// Makes batches of codes, and finishes those that somebody else left unfinished. The order is generate, claim, pool, mark; a worker may die between any two:
/// <list type="bullet">
/// <item>before the claim: nobody ever saw the codes;</item>
/// <item>after the claim: the codes stand unused in the registry, in a batch that was never marked. It is adopted when it is old enough;</item>
/// <item>after some or all were pooled: the same, and the pool, a set, takes codes that it still has for known. Some may have been taken out meanwhile; such a
/// code comes into the pool a second time. Two processes may then hold it; the claim that stores a link lets one of them have it, and the other takes
/// its next;</item>
/// <item>after the mark: there is nothing left to do.</item>
/// </list>
/// A call that failed may have been carried out all the same, so that a failure is treated as a death: the batch is left to be adopted.
/// </summary>
internal sealed class KeyBatches(IKeyBatchStore registry, IRegionPool pool, GenerationSteps steps, KeyGenerationState state, RegionOptions region)
{
    /// <summary>Age at which an unmarked batch counts as abandoned by a dead worker.</summary>
    public static readonly TimeSpan AdoptionAge = TimeSpan.FromMinutes(1);

    /// <summary>Makes one batch. False: the epoch is not in force any more, and the codes were thrown away.</summary>
    public async Task<bool> TryMakeAsync(int epoch, int size, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var codes = CodeGenerator.Generate(size);
        var batch = await steps.RunAsync(GenerationStep.Claim, token => registry.ClaimAsync(region.Name, epoch, codes, token), cancellationToken);
        if (batch is null)
        {
            state.NoteDiscarded();
            return false;
        }

        state.NoteClaimed(batch.Codes.Count);
        await PoolAsync(batch, cancellationToken);
        state.NotePooled(batch.Codes.Count);
        await MarkAsync(batch, cancellationToken);
        state.NoteBatch(batch.Codes.Count);
        KeyMetrics.BatchSeconds.Observe(Stopwatch.GetElapsedTime(started).TotalSeconds);
        return true;
    }

    /// <summary>Finishes all batches that dead workers of the region left unfinished.</summary>
    public async Task AdoptAsync(CancellationToken cancellationToken)
    {
        while (await steps.RunAsync(GenerationStep.Adopt, token => registry.AdoptAsync(region.Name, AdoptionAge, token), cancellationToken) is { } batch)
        {
            state.NoteAdopted();
            await PoolAsync(batch, cancellationToken);
            await MarkAsync(batch, cancellationToken);
            state.NoteBatch(batch.Codes.Count);
        }
    }

    // Into the pool of the epoch that it was claimed in: when that was closed since, the codes lie where nobody takes any.
    private async Task PoolAsync(KeyBatch batch, CancellationToken cancellationToken)
    {
        if (batch.Codes.Count > 0)
            await steps.RunAsync(GenerationStep.Pool, token => pool.AddAsync(batch.Epoch, batch.Codes, token), cancellationToken);
    }

    private Task MarkAsync(KeyBatch batch, CancellationToken cancellationToken) =>
        steps.RunAsync(GenerationStep.Mark, token => registry.MarkPooledAsync(batch.Id, token), cancellationToken);
}
