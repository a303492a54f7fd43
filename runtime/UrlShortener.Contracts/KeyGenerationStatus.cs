namespace UrlShortener.Contracts;

/// <summary>Answer to GET /kgs/v1/status: a process of the key generation service and the pool that it keeps. Rates are those of the last minute.</summary>
public sealed record KeyGenerationStatus
{
    /// <summary>The region whose pool is kept.</summary>
    public string Region { get; init; } = "";

    /// <summary>The epoch in force; 0 before it is known.</summary>
    public int Epoch { get; init; }

    /// <summary>The epoch that the pool was last told; smaller than <see cref="Epoch"/> until it knows of an opening.</summary>
    public int PoolEpoch { get; init; }

    /// <summary>One of <see cref="KeyGenerationPhase"/>.</summary>
    public string State { get; init; } = "";

    /// <summary>Codes in the pool of the epoch; null before they were counted.</summary>
    public long? Level { get; init; }

    /// <summary>When they were counted.</summary>
    public DateTimeOffset? LevelReadAt { get; init; }

    /// <summary>Codes that the pool is filled to.</summary>
    public int TargetLevel { get; init; }

    /// <summary>Level below which filling begins.</summary>
    public int LowWatermark { get; init; }

    /// <summary>Level below which the speed has no limit.</summary>
    public int CriticalWatermark { get; init; }

    /// <summary>Codes generated per second.</summary>
    public double GeneratedPerSecond { get; init; }

    /// <summary>Codes taken per second; a lower bound while several processes fill.</summary>
    public double ConsumedPerSecond { get; init; }

    /// <summary>Time until the pool is empty, in seconds; null: its level does not fall.</summary>
    public double? SecondsToExhaustion { get; init; }

    /// <summary>Codes generated and claimed since the process started.</summary>
    public long ClaimedTotal { get; init; }

    /// <summary>Batches of others finished since the process started.</summary>
    public long AdoptedBatches { get; init; }

    /// <summary>Batches generated and thrown away, because their epoch was closed meanwhile, since the process started.</summary>
    public long DiscardedBatches { get; init; }

    /// <summary>When the process finished its last batch.</summary>
    public DateTimeOffset? LastBatchAt { get; init; }

    /// <summary>Codes in it.</summary>
    public int? LastBatchSize { get; init; }

    /// <summary>What failed last, also when it works again by now.</summary>
    public string? LastError { get; init; }

    /// <summary>When that was.</summary>
    public DateTimeOffset? LastErrorAt { get; init; }

    /// <summary>Share of all possible codes that is registered, 0 to 1, an estimate; null before it was made.</summary>
    public double? KeyspaceUsedShare { get; init; }
}
