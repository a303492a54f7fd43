namespace UrlShortener.Operator.KeyPools;

/// <summary>What the controller remembers of a pool between reconciles. It may be lost.</summary>
/// <param name="Workers">For the number of workers.</param>
/// <param name="NumbersAt">When the status last told other numbers; null: not since the start.</param>
internal sealed record KeyPoolMemory(WorkerHistory Workers, DateTimeOffset? NumbersAt)
{
    /// <summary>Of a pool that was not seen yet.</summary>
    public static readonly KeyPoolMemory None = new(new WorkerHistory(), null);
}
