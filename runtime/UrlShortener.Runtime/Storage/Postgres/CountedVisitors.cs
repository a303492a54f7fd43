using BitFaster.Caching.Lru;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// Caches numbers of visitors that were recently counted click by click. Counting visitors of a popular link's current day takes most of the time of its
/// statistics, and dashboards ask repeatedly. Small numbers are not cached.
/// </summary>
internal sealed class CountedVisitors(TimeProvider time)
{
    /// <summary>Maximum age of a cached number.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(10);

    /// <summary>Minimum number of visitors for a number to be cached.</summary>
    public const int LeastVisitors = 5_000;

    private const int Capacity = 1_000;

    private readonly ConcurrentLru<(string Code, DateTime From), Counted> _counts = new(Capacity);

    /// <summary>Returns the number of a part that was counted up to the same end or up to one shortly before it.</summary>
    public long? Find(string shortCode, TimeRange part) =>
        _counts.TryGet((shortCode, part.From), out var counted)
        && time.GetElapsedTime(counted.At) < KeptFor
        && part.To >= counted.To
        && part.To - counted.To < KeptFor
            ? counted.Visitors
            : null;

    /// <summary>Caches a number.</summary>
    public void Keep(string shortCode, TimeRange part, long visitors)
    {
        if (visitors >= LeastVisitors)
            _counts.AddOrUpdate((shortCode, part.From), new Counted(part.To, visitors, time.GetTimestamp()));
    }

    private sealed record Counted(DateTime To, long Visitors, long At);
}
