namespace UrlShortener.Runtime.Keys;

/// <summary>
/// The registry of codes as the key generation service sees it. A batch is claimed, then pooled, then marked. If its worker dies in between, another worker
/// adopts it. The claim that stores a link is decisive: no order of these steps, and no crash between them, can issue a code twice.
/// </summary>
internal interface IKeyBatchStore : IEpochRegistry
{
    /// <summary>Stores generated codes as an unused batch and returns those that were not known yet; null if <paramref name="epoch"/> is no longer in
    /// force.</summary>
    Task<KeyBatch?> ClaimAsync(string region, int epoch, IReadOnlyList<string> codes, CancellationToken cancellationToken);

    /// <summary>Records that all codes of a batch are in the pool.</summary>
    Task MarkPooledAsync(int batchId, CancellationToken cancellationToken);

    /// <summary>Returns a batch of the region and the epoch in force that was claimed longer than <paramref name="age"/> ago and never marked, with its codes
    /// that are still unused; null if there is none. The batch counts as claimed now.</summary>
    Task<KeyBatch?> AdoptAsync(string region, TimeSpan age, CancellationToken cancellationToken);

    /// <summary>Estimates the number of registered codes, used or not.</summary>
    Task<long> EstimateCountAsync(CancellationToken cancellationToken);
}

/// <summary>Codes claimed together.</summary>
/// <param name="Id">Their <c>batch_id</c>.</param>
/// <param name="Epoch">The epoch they were claimed in.</param>
/// <param name="Codes">Unused codes.</param>
internal sealed record KeyBatch(int Id, int Epoch, IReadOnlyList<string> Codes);
