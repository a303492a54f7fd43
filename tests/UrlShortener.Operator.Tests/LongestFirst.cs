using UrlShortener.Operator.Tests;
using UrlShortener.Operator.Tests.Backups;
using UrlShortener.Operator.Tests.Failover;
using UrlShortener.Operator.Tests.Installation;
using UrlShortener.Operator.Tests.KeyPools;
using UrlShortener.Operator.Tests.Monitoring;
using UrlShortener.Operator.Tests.Postgres;
using UrlShortener.Operator.Tests.Redis;
using UrlShortener.Operator.Tests.Regions;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace UrlShortener.Operator.Tests;

/// <summary>
/// Begins with the tests that last longest, so that none of them runs on alone after all others have ended; in turn those with a PostgreSQL, of which two run
/// at once, and others. The rest follows in the usual order.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly IReadOnlyList<string> Names =
    [
        .. new[]
        {
            typeof(ClusterFailoverTests),
            typeof(StandbyRegionTests),
            typeof(PostgresRolloutTests),
            typeof(UpgradeTests),
            typeof(BackupTests),
            typeof(RedisFailoverTests),
            typeof(RedisScalingTests),
            typeof(PostgresScaleTests),
            typeof(MigrationTests),
            typeof(OwnRedisTests),
            typeof(PasswordRotationTests),
            typeof(CauseTests),
            typeof(PoolLevelTests),
            typeof(PostgresTests),
            typeof(RepairTests),
            typeof(ScrapedOperatorTests),
            typeof(PostgresFailoverSeriesTests),
            typeof(SuccessionTests),
            typeof(PoolTests),
            typeof(ServingTests),
        }.Select(one => one.FullName!),
    ];

    /// <inheritdoc />
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(RankOf)];

    // A collection of one class has the name of the class as a word of its own.
    private static int RankOf<TTestCollection>(TTestCollection collection)
        where TTestCollection : ITestCollection
    {
        for (var rank = 0; rank < Names.Count; rank++)
        {
            if (collection.TestCollectionDisplayName.Split(' ').Contains(Names[rank]))
                return rank;
        }

        return Names.Count;
    }
}
