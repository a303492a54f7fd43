namespace UrlShortener.Operator.KeyPools;

/// <summary>Memory of the controller about a pool between reconciles. It may be lost.</summary>
/// <param name="Workers">For the number of workers.</param>
/// <param name="NumbersAt">When the numbers in the status last changed; null: not since the start.</param>
internal sealed record KeyPoolMemory(WorkerHistory Workers, DateTimeOffset? NumbersAt)
{
    /// <summary>For a new pool.</summary>
    public static readonly KeyPoolMemory None = new(new WorkerHistory(), null);

    /// <summary>Whether so much time has passed that numbers alone are news.</summary>
    /// <param name="timings">The times.</param>
    /// <param name="now">The time.</param>
    public bool AreNumbersDue(KeyPoolTimings timings, DateTimeOffset now) => NumbersAt is not { } at || now - at >= timings.Numbers;
}
