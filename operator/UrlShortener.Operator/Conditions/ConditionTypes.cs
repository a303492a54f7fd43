namespace UrlShortener.Operator.Conditions;

/// <summary>Types of conditions. <see cref="Ready"/>, <see cref="Reconciling"/> and <see cref="Stalled"/> follow kstatus.</summary>
internal static class ConditionTypes
{
    /// <summary>The object works as specified.</summary>
    public const string Ready = nameof(Ready);

    /// <summary>The operator or the cluster is applying a change.</summary>
    public const string Reconciling = nameof(Reconciling);

    /// <summary>The operator cannot continue until someone fixes the cause.</summary>
    public const string Stalled = nameof(Stalled);

    /// <summary>Changes are suspended by the specification.</summary>
    public const string Suspended = nameof(Suspended);

    /// <summary>Enough pods of the app serve.</summary>
    public const string AppAvailable = nameof(AppAvailable);

    /// <summary>The app reaches the servers that it needs.</summary>
    public const string DependenciesReachable = nameof(DependenciesReachable);

    /// <summary>Click events arrive in Kafka. Absent unless the region has one.</summary>
    public const string ClickEventsDelivered = nameof(ClickEventsDelivered);

    /// <summary>The database has the tables of the region's image.</summary>
    public const string SchemaCurrent = nameof(SchemaCurrent);

    /// <summary>The status is the current one of another cluster, whose operator runs the region. Absent unless another cluster runs it.</summary>
    public const string ClusterReachable = nameof(ClusterReachable);

    /// <summary>The region has the PodMonitor that it asks for. Absent unless it asks for one.</summary>
    public const string Monitored = nameof(Monitored);

    /// <summary>All slots of the Redis Cluster that the operator runs are served. Absent unless it runs one.</summary>
    public const string RedisReady = nameof(RedisReady);

    /// <summary>The Redis Cluster lacks something, such as a replica.</summary>
    public const string RedisDegraded = nameof(RedisDegraded);

    /// <summary>Too few masters of the Redis Cluster work to elect others.</summary>
    public const string RedisQuorumLost = nameof(RedisQuorumLost);

    /// <summary>No former password is valid at the region's Redis Cluster. Absent unless the operator runs it.</summary>
    public const string RedisPasswordCurrent = nameof(RedisPasswordCurrent);

    /// <summary>A primary of the region's PostgreSQL accepts writes, and the app can connect. Absent unless the operator runs it.</summary>
    public const string PostgresReady = nameof(PostgresReady);

    /// <summary>Members of the region's PostgreSQL do not serve. Absent unless the operator runs it.</summary>
    public const string PostgresDegraded = nameof(PostgresDegraded);

    /// <summary>All members of the region's PostgreSQL run the current specification. Absent unless the operator runs it.</summary>
    public const string PostgresUpToDate = nameof(PostgresUpToDate);

    /// <summary>No former password of the app is valid at the region's PostgreSQL. Absent unless the operator runs it.</summary>
    public const string PostgresPasswordCurrent = nameof(PostgresPasswordCurrent);

    /// <summary>Enough replicas have every acknowledged write, and only those may become the primary. Absent with durability Async.</summary>
    public const string SyncReplicationHealthy = nameof(SyncReplicationHealthy);

    /// <summary>The region's PostgreSQL receives the changes of the primary region. Absent unless it is one of a standby region.</summary>
    public const string StandbyReplicating = nameof(StandbyReplicating);

    /// <summary>The primary role of the group moves by itself when its region is lost. Absent unless the regions of the group vote about it.</summary>
    public const string AutomaticFailover = nameof(AutomaticFailover);

    /// <summary>The witness of the group has its vote and can be read. Absent unless the region names one, or one still votes.</summary>
    public const string WitnessVotes = nameof(WitnessVotes);

    /// <summary>The newest backup of the region's PostgreSQL is there and not older than its schedule. Absent unless the region asks for backups.</summary>
    public const string LastBackupSucceeded = nameof(LastBackupSucceeded);

    /// <summary>The write-ahead log reaches the archive in time and without a gap. Absent unless the region asks for backups.</summary>
    public const string ContinuousArchiving = nameof(ContinuousArchiving);

    /// <summary>A restore worked when it was last rehearsed, not longer ago than its schedule says. Absent unless the region asks for rehearsals.</summary>
    public const string LastRehearsalSucceeded = nameof(LastRehearsalSucceeded);

    /// <summary>The database was restored from a backup. Absent unless the region asks for it.</summary>
    public const string RestoreSucceeded = nameof(RestoreSucceeded);

    /// <summary>What sends visitors to the regions that serve is published and confirmed. Absent with the traffic mode None.</summary>
    public const string TrafficPublished = nameof(TrafficPublished);

    /// <summary>ClickHouse answers, and click events are loaded into it. Absent without one.</summary>
    public const string AnalyticsHealthy = nameof(AnalyticsHealthy);

    /// <summary>The key generation service works.</summary>
    public const string GeneratorHealthy = nameof(GeneratorHealthy);

    /// <summary>The pool is below its low watermark.</summary>
    public const string LowWatermark = nameof(LowWatermark);

    /// <summary>The pool is below its critical watermark.</summary>
    public const string Critical = nameof(Critical);

    /// <summary>The pool is empty.</summary>
    public const string Exhausted = nameof(Exhausted);

    /// <summary>Many of all possible codes have been claimed.</summary>
    public const string KeyspaceLow = nameof(KeyspaceLow);
}
