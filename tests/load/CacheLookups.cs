namespace UrlShortener.Load;

/// <summary>How many lookups of links each tier answered. What waited in memory for another request's load of the same link counts as answered by
/// <paramref name="Redis"/>: it asked nobody. <paramref name="Database"/> is what Redis did not have, each of which the database was asked for.</summary>
internal sealed record CacheLookups(long Memory, long Redis, long Database)
{
    public long All => Memory + Redis + Database;

    /// <summary>The share that did not reach the database.</summary>
    public double HitRatio => 1 - ShareOf(Database);

    public static CacheLookups Of(Exposition metrics)
    {
        long Count(string tier, string result) => (long)metrics.Sum("shortener_cache_lookups_total", $"tier=\"{tier}\"", $"result=\"{result}\"");
        var (found, missed) = (Count("redis", "hit"), Count("redis", "miss") + Count("redis", "failed"));
        var beyondMemory = Count("memory", "miss");
        // On SQLite there is no tier between memory and the database.
        var database = found + missed == 0 ? beyondMemory : missed;
        return new CacheLookups(Count("memory", "hit"), beyondMemory - database, database);
    }

    public CacheLookups Since(CacheLookups earlier) => new(Memory - earlier.Memory, Redis - earlier.Redis, Database - earlier.Database);

    public double ShareOf(long part) => (double)part / Math.Max(1, All);
}
