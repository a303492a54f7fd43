using System.Diagnostics;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>
/// Makes batches of codes, and finishes batches that another worker left unfinished. The order is generate, claim, pool, mark. A worker may die between any two
/// steps:
/// <list type="bullet">
/// <item>before the claim: no one has seen the codes;</item>
/// <item>after the claim: the codes are unused in the registry, in a batch that was never marked. It is adopted when it is old enough;</item>
/// <item>after some or all codes were pooled: the same. The pool is a set, so adding a code that it still holds changes nothing. A code that was taken out
/// meanwhile enters the pool a second time, and two processes may then hold it. The claim that stores a link succeeds for only one of them; the other
/// process uses its next code;</item>
/// <item>after the mark: there is nothing left to do.</item>
/// </list>
/// A call that failed may have been carried out nevertheless. A failure is therefore treated like a crash: the batch is left to be adopted.
/// </summary>
internal sealed class KeyBatches(IKeyBatchStore registry, IRegionPool pool, GenerationSteps steps, KeyGenerationState state, RegionOptions region)
{
    /// <summary>Age at which an unmarked batch counts as abandoned by a dead worker.</summary>
    public static readonly TimeSpan AdoptionAge = TimeSpan.FromMinutes(1);

    /// <summary>Makes one batch. Returns false if the epoch is no longer in force; the codes were then discarded.</summary>
    public async Task<bool> TryMakeAsync(int epoch, int size, CancellationToken cancellationToken)
    {
        using var span = Spans.StartWork("make keys")?.SetTag("db.operation.batch.size", size);
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
        KeyGenerationMetrics.BatchSeconds.Observe(Stopwatch.GetElapsedTime(started).TotalSeconds);
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

    // Adds to the pool of the epoch that the batch was claimed in. If that epoch has been closed since, no process takes codes from its pool.
    private async Task PoolAsync(KeyBatch batch, CancellationToken cancellationToken)
    {
        if (batch.Codes.Count > 0)
            await steps.RunAsync(GenerationStep.Pool, token => pool.AddAsync(batch.Epoch, batch.Codes, token), cancellationToken);
    }

    private Task MarkAsync(KeyBatch batch, CancellationToken cancellationToken) =>
        steps.RunAsync(GenerationStep.Mark, token => registry.MarkPooledAsync(batch.Id, token), cancellationToken);
}
