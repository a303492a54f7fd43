namespace UrlShortener.Runtime.Keys;

/// <summary>
/// The registry of codes as the key generation service sees it. A batch is claimed, then pooled, then marked; when its worker dies in between, another adopts
/// it. The claim that stores a link has the last word, so that no order of these steps and no crash between them issues a code twice.
/// </summary>
internal interface IKeyBatchStore : IEpochRegistry
{
    /// <summary>Stores generated codes as an unused batch and returns those that were not known yet; null: <paramref name="epoch"/> is not in force any
    /// more.</summary>
    Task<KeyBatch?> ClaimAsync(string region, int epoch, IReadOnlyList<string> codes, CancellationToken cancellationToken);

    /// <summary>Notes that all of a batch is in the pool.</summary>
    Task MarkPooledAsync(int batchId, CancellationToken cancellationToken);

    /// <summary>A batch of the region and the epoch in force that was claimed longer ago than <paramref name="age"/> and never marked, with its codes still
    /// unused; null: none. Counts as claimed now.</summary>
    Task<KeyBatch?> AdoptAsync(string region, TimeSpan age, CancellationToken cancellationToken);

    /// <summary>Codes registered in all, used or not; an estimate.</summary>
    Task<long> EstimateCountAsync(CancellationToken cancellationToken);
}

/// <summary>Codes claimed together.</summary>
/// <param name="Id">Their <c>batch_id</c>.</param>
/// <param name="Epoch">The epoch they were claimed in.</param>
/// <param name="Codes">Unused codes.</param>
internal sealed record KeyBatch(int Id, int Epoch, IReadOnlyList<string> Codes);
