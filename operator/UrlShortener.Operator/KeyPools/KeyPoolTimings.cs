namespace UrlShortener.Operator.KeyPools;

/// <summary>How often the operator looks at a pool: its level is not part of an object that can be watched.</summary>
internal sealed record KeyPoolTimings
{
    /// <summary>Longest time between two looks at a pool that is ready and full.</summary>
    public TimeSpan Steady { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time between two looks at any other pool.</summary>
    public TimeSpan Busy { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Minimum time between two statuses that differ only in numbers.</summary>
    public TimeSpan Numbers { get; init; } = TimeSpan.FromSeconds(30);
}
