namespace UrlShortener.Operator.KeyPools;

/// <summary>What a worker of the key generation service says of itself and its pool: the answer of <c>GET /kgs/v1/status</c>, as far as the operator needs it.</summary>
internal sealed record KgsReading
{
    /// <summary>The epoch in force; 0 before it is known.</summary>
    public int Epoch { get; init; }

    /// <summary>One of <see cref="KgsState"/>.</summary>
    public string State { get; init; } = "";

    /// <summary>Codes in the pool of the epoch; null before they were counted.</summary>
    public long? Level { get; init; }

    /// <summary>Codes that this worker fills the pool to.</summary>
    public int TargetLevel { get; init; }

    /// <summary>Codes taken per second over the last minute; a lower bound while several workers fill.</summary>
    public double ConsumedPerSecond { get; init; }

    /// <summary>Time until the pool is empty, in seconds; null: its level does not fall.</summary>
    public double? SecondsToExhaustion { get; init; }

    /// <summary>When this worker finished its last batch.</summary>
    public DateTimeOffset? LastBatchAt { get; init; }

    /// <summary>Codes in it.</summary>
    public int? LastBatchSize { get; init; }

    /// <summary>What failed last, also when it works again by now.</summary>
    public string? LastError { get; init; }

    /// <summary>Share of all possible codes that is registered, 0 to 1; null before it was estimated.</summary>
    public double? KeyspaceUsedShare { get; init; }
}
