namespace UrlShortener.Load.Costs;

/// <summary>Processor time of the parts of an installation, so far.</summary>
internal sealed record CpuTimes(TimeSpan Product, TimeSpan Postgres, TimeSpan Redis)
{
    /// <summary>What was used after an earlier moment.</summary>
    public CpuTimes Since(CpuTimes earlier) => new(Product - earlier.Product, Postgres - earlier.Postgres, Redis - earlier.Redis);

    /// <summary>Microseconds for each of <paramref name="requests"/>, without what an idle installation uses in that time.</summary>
    public CpuCost PerRequest(CpuTimes idlePerSecond, double seconds, long requests) =>
        new(
            (Product - idlePerSecond.Product * seconds).TotalMicroseconds / requests,
            (Postgres - idlePerSecond.Postgres * seconds).TotalMicroseconds / requests,
            (Redis - idlePerSecond.Redis * seconds).TotalMicroseconds / requests
        );
}

/// <summary>Microseconds of processor time.</summary>
internal sealed record CpuCost(double Product, double Postgres, double Redis);

/// <summary>What an installation keeps, in bytes. <paramref name="Tables"/> holds the indexes, too.</summary>
internal sealed record StoredBytes(IReadOnlyDictionary<string, long> Tables, long Wal)
{
    /// <summary>What was added after an earlier moment.</summary>
    public StoredBytes Since(StoredBytes earlier) =>
        new(
            Tables.ToDictionary(table => table.Key, table => table.Value - earlier.Tables.GetValueOrDefault(table.Key), StringComparer.Ordinal),
            Wal - earlier.Wal
        );
}

/// <summary>Bytes of one entry: of a code in the registry, with its indexes; of a code in the pool in Redis; of a link in Redis.</summary>
internal sealed record EntryBytes(double Registered, double Pooled, double Link);
