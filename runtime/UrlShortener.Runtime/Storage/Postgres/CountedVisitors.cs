using BitFaster.Caching.Lru;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// Numbers of visitors that were counted click by click a moment ago. Counting those of a popular link's current day takes most of the time of its
/// statistics, and dashboards ask again and again. Small numbers are always counted anew.
/// </summary>
internal sealed class CountedVisitors(TimeProvider time)
{
    /// <summary>How far an answer may be behind.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(10);

    /// <summary>Least visitors of a part whose number is kept.</summary>
    public const int LeastVisitors = 5_000;

    private const int Capacity = 1_000;

    private readonly ConcurrentLru<(string Code, DateTime From), Counted> _counts = new(Capacity);

    /// <summary>The number of a part that was counted to the same end, or to one shortly before.</summary>
    public long? Find(string shortCode, TimeRange part) =>
        _counts.TryGet((shortCode, part.From), out var counted)
        && time.GetElapsedTime(counted.At) < KeptFor
        && part.To >= counted.To
        && part.To - counted.To < KeptFor
            ? counted.Visitors
            : null;

    /// <summary>Keeps a number.</summary>
    public void Keep(string shortCode, TimeRange part, long visitors)
    {
        if (visitors >= LeastVisitors)
            _counts.AddOrUpdate((shortCode, part.From), new Counted(part.To, visitors, time.GetTimestamp()));
    }

    private sealed record Counted(DateTime To, long Visitors, long At);
}
