using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

public sealed class RegionPlanTests
{
    private static readonly DateTime Noon = new(2030, 1, 31, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void Of_Alone_IsPrimaryWithItsFloor()
    {
        var region = Region("eu");

        var plan = RegionPlan.Of(region, Observe(region));

        Assert.Null(plan.Obstacle);
        Assert.Equal((RegionRole.Primary, region.Spec.App.MinReplicas, MigrationState.Missing), (plan.Role, plan.Floor, plan.Migration));
        Assert.Null(plan.PrimaryRegion);
    }

    [Fact]
    public void Of_Group_TheHighestPriorityIsPrimaryAndOthersStandBy()
    {
        var (low, high) = (Region("eu", priority: 10), Region("us", priority: 20, created: Noon.AddDays(1)));

        Assert.Equal(RegionRole.Standby, RegionPlan.Of(low, Observe(low, high)).Role);
        Assert.Equal(low.Spec.App.StandbyMinReplicas, RegionPlan.Of(low, Observe(low, high)).Floor);
        Assert.Equal(RegionRole.Primary, RegionPlan.Of(high, Observe(high, low)).Role);
        Assert.Equal("us", RegionPlan.Of(low, Observe(low, high)).PrimaryRegion);
        Assert.Equal("us", RegionPlan.Of(high, Observe(high, low)).PrimaryRegion);
    }

    [Fact]
    public void Of_OthersOfTheGroupGoing_TheRestAreAllThereIs()
    {
        var (low, high) = (Region("eu", priority: 10), Region("us", priority: 20));
        high.Metadata.DeletionTimestamp = Noon;

        var plan = RegionPlan.Of(low, Observe(low, high));

        Assert.Equal((RegionRole.Primary, null), (plan.Role, plan.PrimaryRegion));
    }

    [Fact]
    public void Of_TwoOfOneRegion_TheYoungerWaits()
    {
        var (older, younger) = (Region("eu"), Region("eu", created: Noon.AddDays(1)));

        Assert.Null(RegionPlan.Of(older, Observe(older, younger)).Obstacle);
        Assert.Equal(Reasons.RegionConflict, RegionPlan.Of(younger, Observe(younger, older)).Obstacle?.Reason);
    }

    [Fact]
    public void Of_YoungerTwinOfHigherPriority_TakesNoRole()
    {
        var (older, younger) = (Region("eu"), Region("eu", priority: 100, created: Noon.AddDays(1)));

        Assert.Equal((RegionRole.Primary, null), (RegionPlan.Of(older, Observe(older, younger)).Role, RegionPlan.Of(older, Observe(older, younger)).PrimaryRegion));
        Assert.Equal(RegionRole.Standby, RegionPlan.Of(younger, Observe(younger, older)).Role);
    }

    [Fact]
    public void Of_ImageOrDatabaseChanges_MigratesAnew()
    {
        var region = Region("eu");
        var observed = Observe(region);
        var digest = RegionPlan.Of(region, observed).MigrationDigest;
        var done = observed with { Deployment = new V1Deployment { Metadata = new V1ObjectMeta { Annotations = new Dictionary<string, string> { [Labels.MigrationDigest] = digest } } } };

        Assert.Equal(MigrationState.Done, RegionPlan.Of(region, done).Migration);
        Assert.Equal(MigrationState.Missing, RegionPlan.Of(region, done with { Secrets = Secrets("another") }).Migration);
        region.Spec = region.Spec with { App = region.Spec.App with { Image = "registry.example/shortener:2.0" } };
        Assert.Equal(MigrationState.Missing, RegionPlan.Of(region, done).Migration);
    }

    [Theory]
    [InlineData(null, MigrationState.Running)]
    [InlineData("Complete", MigrationState.Done)]
    [InlineData("Failed", MigrationState.Failed)]
    public void Of_MigrationJob_TellsHowFarItIs(string? condition, object expected)
    {
        var region = Region("eu");
        var observed = Observe(region);
        var job = MigrationJob.Build(region, RegionPlan.Of(region, observed).MigrationDigest);
        job.Status = new V1JobStatus { Conditions = condition is null ? [] : [new V1JobCondition { Type = condition, Status = "True" }] };

        Assert.Equal((MigrationState)expected, RegionPlan.Of(region, observed with { Jobs = [job] }).Migration);
    }

    [Fact]
    public void Of_SettingsChange_RollsPods()
    {
        var region = Region("eu");
        var before = RegionPlan.Of(region, Observe(region)).Process.SettingsDigest;

        region.Spec = region.Spec with { App = region.Spec.App with { MaxReplicas = 50 } };
        Assert.Equal(before, RegionPlan.Of(region, Observe(region)).Process.SettingsDigest);
        region.Spec = region.Spec with { App = region.Spec.App with { Settings = [new RuntimeSetting { Name = "Keys:PoolSize", Value = "5000" }] } };
        Assert.NotEqual(before, RegionPlan.Of(region, Observe(region)).Process.SettingsDigest);
    }

    private static V1Alpha1ShortenerRegion Region(string name, int priority = 50, DateTime? created = null)
    {
        var spec = SpecJson.MinimalRegion();
        return new V1Alpha1ShortenerRegion
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "links", Uid = Guid.NewGuid().ToString(), CreationTimestamp = created ?? Noon },
            Spec = spec with { Region = name, Failover = spec.Failover with { Priority = priority } },
        };
    }

    private static ObservedRegion Observe(params V1Alpha1ShortenerRegion[] group) => new() { Group = group, Secrets = Secrets("one") };

    private static Dictionary<string, V1Secret> Secrets(string value) => new()
    {
        ["postgres"] = new V1Secret { Metadata = new V1ObjectMeta { Name = "postgres" }, Data = new Dictionary<string, byte[]> { ["connectionString"] = System.Text.Encoding.UTF8.GetBytes(value) } },
    };
}
