using System.Text;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.KeyPools;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

public sealed class KeyPoolPlanTests
{
    private readonly V1Alpha1KeyPool _pool = PoolSamples.Pool();

    [Fact]
    public void Of_AllThere_HasNothingInTheWay()
    {
        var plan = Plan(PoolSamples.Observed(_pool));

        Assert.Null(plan.Obstacle);
        Assert.Null(plan.Waiting);
        Assert.False(plan.MakesToken);
        Assert.Equal(2, plan.Workers);
        Assert.Equal("10000", plan.Process!.Settings["Kgs:TargetLevel"]);
        Assert.Equal("kgs", plan.Process.Settings["Role"]);
    }

    [Fact]
    public void Of_SuspendedOrStalled_AppliesNothing()
    {
        var observed = PoolSamples.Observed(_pool);

        Assert.True(Plan(observed).Applies);
        Assert.False(Plan(observed with { Region = null }).Applies);
        _pool.Spec = _pool.Spec with { Suspend = true };
        Assert.False(Plan(observed).Applies);
    }

    [Fact]
    public void Of_NoRegion_IsStalled() => AssertObstacle(PoolSamples.Observed(_pool) with { Region = null }, Reasons.RegionNotFound);

    [Fact]
    public void Of_RegionWithoutRedis_IsNotSupported()
    {
        var region = PoolSamples.Region();
        region.Spec = region.Spec with { Connections = region.Spec.Connections with { RedisSecretRef = null } };

        AssertObstacle(PoolSamples.Observed(_pool, region), Reasons.NotSupported);
    }

    [Fact]
    public void Of_OlderSibling_LosesToIt()
    {
        var older = PoolSamples.Pool("older", age: 1);

        AssertObstacle(PoolSamples.Observed(_pool) with { Siblings = [_pool, older] }, Reasons.PoolConflict);
        older.Metadata.DeletionTimestamp = PoolSamples.Now.UtcDateTime;
        Assert.Null(Plan(PoolSamples.Observed(_pool) with { Siblings = [_pool, older] }).Obstacle);
    }

    [Fact]
    public void Of_WatermarksTheWrongWayRound_IsInvalid()
    {
        _pool.Spec = _pool.Spec with { CriticalWatermark = 5_000 };

        AssertObstacle(PoolSamples.Observed(_pool), Reasons.InvalidSpec);
    }

    [Fact]
    public void Of_SecretOfTheRegionMissing_NamesIt()
    {
        var observed = PoolSamples.Observed(_pool);

        var obstacle = AssertObstacle(
            observed with
            {
                Secrets = observed.Secrets.Where(secret => secret.Key != "redis").ToDictionary(),
            },
            Reasons.SecretNotFound
        );
        Assert.Contains("redis", obstacle.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_NoToken_MakesOneUnlessTheRegionNamesIts()
    {
        var observed = PoolSamples.Observed(_pool);
        var without = observed.Secrets.Where(secret => secret.Key != "keys-kgs-token").ToDictionary();

        var plan = Plan(observed with { Secrets = without });
        Assert.True(plan.MakesToken);
        Assert.NotNull(plan.Waiting);

        var region = PoolSamples.Region();
        region.Spec = region.Spec with { Connections = region.Spec.Connections with { KgsTokenSecretRef = new TokenSecretRef { Name = "mine" } } };
        AssertObstacle(observed with { Region = region, Secrets = without }, Reasons.SecretNotFound);
    }

    [Fact]
    public void Of_TokenOfSomebodyElse_IsNotTouched()
    {
        var observed = PoolSamples.Observed(_pool);
        var foreign = new Dictionary<string, V1Secret>(observed.Secrets) { ["keys-kgs-token"] = PoolSamples.Secret("keys-kgs-token", "token") };

        AssertObstacle(observed with { Secrets = foreign }, Reasons.NameTaken);
    }

    [Fact]
    public void Of_TokenOfAFormerPoolOfTheName_IsUsed()
    {
        var observed = PoolSamples.Observed(_pool);
        observed.Secrets["keys-kgs-token"].Metadata.OwnerReferences = null;

        Assert.Null(Plan(observed).Obstacle);
        Assert.False(Plan(observed).MakesToken);
    }

    [Fact]
    public void Of_OtherToken_RollsTheWorkers()
    {
        var observed = PoolSamples.Observed(_pool);
        var before = Plan(observed).Process!.SettingsDigest;

        observed.Secrets["keys-kgs-token"].Data["token"] = Encoding.UTF8.GetBytes("other");

        Assert.NotEqual(before, Plan(observed).Process!.SettingsDigest);
    }

    [Fact]
    public void Of_TablesNotUpToDateOrSettingsOld_Waits()
    {
        var observed = PoolSamples.Observed(_pool);

        Assert.Equal(Reasons.Migrating, Plan(observed with { App = null }).Waiting?.Reason);
        Assert.Equal(Reasons.RegionNotReady, Plan(observed with { Settings = new V1ConfigMap { Data = new Dictionary<string, string>() } }).Waiting?.Reason);
        Assert.Equal(Reasons.RegionNotReady, Plan(observed with { ServiceAccount = null }).Waiting?.Reason);
    }

    [Theory]
    [InlineData("4", 4, null)]
    [InlineData("3", null, null)]
    [InlineData("2", null, null)]
    [InlineData("0", null, "0")]
    [InlineData("1000000001", null, "1000000001")]
    [InlineData("four", null, "four")]
    public void Of_EpochAskedFor_IsOpenedUnlessInForce(string asked, int? opened, string? bad)
    {
        _pool.Metadata.Annotations = new Dictionary<string, string> { [Labels.OpenEpoch] = asked };

        var plan = Plan(PoolSamples.Observed(_pool));

        Assert.Equal((opened, bad), (plan.OpensEpoch, plan.BadEpoch));
    }

    [Fact]
    public void Of_FilledBefore_IsLeftAloneAboveTheWatermark()
    {
        var observed = PoolSamples.Observed(_pool) with { Answer = new KgsAnswer(PoolSamples.Reading(5_000), null) };

        Assert.True(Plan(observed).Refills);
        _pool.Status = new KeyPoolStatus { Refill = new RefillStatus { FilledTo = 10_000 } };
        Assert.False(Plan(observed).Refills);
    }

    private KeyPoolPlan Plan(ObservedKeyPool observed) => KeyPoolPlan.Of(_pool, observed, new WorkerHistory(), PoolSamples.Now);

    private Obstacle AssertObstacle(ObservedKeyPool observed, string reason)
    {
        var obstacle = Plan(observed).Obstacle;
        Assert.Equal(reason, obstacle?.Reason);
        return obstacle!;
    }
}
