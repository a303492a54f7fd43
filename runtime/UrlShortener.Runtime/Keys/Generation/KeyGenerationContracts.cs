namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>What the service does at the moment.</summary>
internal static class KeyGenerationPhase
{
    /// <summary>The pool has enough.</summary>
    public const string Idle = "idle";

    /// <summary>The pool is being filled.</summary>
    public const string Running = "running";

    /// <summary>The pool is being filled, and the next batch waits for <c>Kgs:MaxKeysPerSecond</c>.</summary>
    public const string Throttled = "throttled";

    /// <summary>The last step failed and is tried again.</summary>
    public const string Failing = "failing";
}

/// <summary>Answer to GET /kgs/v1/status.</summary>
/// <param name="Region">The region whose pool is kept.</param>
/// <param name="Epoch">The epoch in force; 0 before it is known.</param>
/// <param name="PoolEpoch">The epoch that the pool was last told; smaller than <paramref name="Epoch"/> until it knows of an opening.</param>
/// <param name="State">See <see cref="KeyGenerationPhase"/>.</param>
/// <param name="Level">Codes in the pool of the epoch; null before they were counted.</param>
/// <param name="LevelReadAt">When they were counted.</param>
/// <param name="TargetLevel">Codes that the pool is filled to.</param>
/// <param name="LowWatermark">Level below which filling begins.</param>
/// <param name="CriticalWatermark">Level below which the speed has no limit.</param>
/// <param name="GeneratedPerSecond">See <see cref="PoolRates"/>; over the last minute.</param>
/// <param name="ConsumedPerSecond">See <see cref="PoolRates"/>; over the last minute.</param>
/// <param name="SecondsToExhaustion">See <see cref="PoolRates"/>; over the last minute.</param>
/// <param name="ClaimedTotal">Codes generated and claimed since this process started.</param>
/// <param name="AdoptedBatches">Batches of others finished since this process started.</param>
/// <param name="DiscardedBatches">Batches generated and thrown away, because their epoch was closed meanwhile, since this process started.</param>
/// <param name="LastBatchAt">When the last batch was finished.</param>
/// <param name="LastBatchSize">Codes in it.</param>
/// <param name="LastError">What failed last, also when it works again by now.</param>
/// <param name="LastErrorAt">When that was.</param>
/// <param name="KeyspaceUsedShare">Share of all possible codes that is registered, 0 to 1, an estimate; null before it was made.</param>
internal sealed record KeyGenerationStatus(
    string Region,
    int Epoch,
    int PoolEpoch,
    string State,
    long? Level,
    DateTimeOffset? LevelReadAt,
    int TargetLevel,
    int LowWatermark,
    int CriticalWatermark,
    double GeneratedPerSecond,
    double ConsumedPerSecond,
    double? SecondsToExhaustion,
    long ClaimedTotal,
    long AdoptedBatches,
    long DiscardedBatches,
    DateTimeOffset? LastBatchAt,
    int? LastBatchSize,
    string? LastError,
    DateTimeOffset? LastErrorAt,
    double? KeyspaceUsedShare);

/// <summary>Body of POST /kgs/v1/refill: nothing.</summary>
internal sealed record RefillRequest;

/// <summary>Body of POST /kgs/v1/epochs.</summary>
internal sealed record OpenEpochRequest
{
    /// <summary>The epoch to open.</summary>
    public int? Epoch { get; init; }
}
