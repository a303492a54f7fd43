namespace UrlShortener.Operator.KeyPools;

/// <summary>Memory of the controller about a pool between reconciles. It may be lost.</summary>
/// <param name="Workers">For the number of workers.</param>
/// <param name="NumbersAt">When the numbers in the status last changed; null: not since the start.</param>
internal sealed record KeyPoolMemory(WorkerHistory Workers, DateTimeOffset? NumbersAt)
{
    /// <summary>For a new pool.</summary>
    public static readonly KeyPoolMemory None = new(new WorkerHistory(), null);
}
