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
        var database = Count("redis", "miss") + Count("redis", "failed");
        return new CacheLookups(Count("memory", "hit"), Count("memory", "miss") - database, database);
    }

    public CacheLookups Since(CacheLookups earlier) => new(Memory - earlier.Memory, Redis - earlier.Redis, Database - earlier.Database);

    public double ShareOf(long part) => (double)part / Math.Max(1, All);
}
