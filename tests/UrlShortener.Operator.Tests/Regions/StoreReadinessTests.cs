using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Failover;
using UrlShortener.Operator.Loading;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Regions;
using UrlShortener.Operator.Traffic;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

public sealed class StoreReadinessTests
{
    // The controller of regions would remove those that it does not know, and their own one write them again, without end.
    [Fact]
    public void Conditions_OfAllOtherControllersOfTheKind_AreKept()
    {
        StatusPart[] parts =
        [
            BackupStatusRules.Part,
            FailoverStatusRules.Part,
            LoaderStatusRules.Part,
            PostgresStatusRules.Part,
            RedisStatusRules.Part,
            TrafficStatusRules.Part,
        ];
        Assert.Equal(parts.SelectMany(part => part.Types).Order(StringComparer.Ordinal), StoreReadiness.Types.Order(StringComparer.Ordinal));
    }
}
