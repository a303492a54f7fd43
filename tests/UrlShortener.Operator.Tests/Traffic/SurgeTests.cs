using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using Xunit;
using static UrlShortener.Operator.Tests.Traffic.TrafficSamples;

namespace UrlShortener.Operator.Tests.Traffic;

public sealed class SurgeTests
{
    [Fact]
    public void Lost_RegionsPods_AreAskedForInTheOthersByTheirWeights()
    {
        // The cluster no longer counts them as ready.
        var lost = WithPods(Region("a", serves: false, weight: 100), desired: 9, ready: 0);
        V1Alpha1ShortenerRegion[] group =
        [
            lost,
            WithPods(Region("b", spec => spec with { Weight = 200 }), desired: 3),
            WithPods(Region("c"), desired: 3),
            WithPods(Region("other", spec => spec with { Hostnames = ["other.example"] }), desired: 3),
        ];

        Assert.Equal([null, 6, 3, null], Surges(group));
        Assert.Equal((0, 9), (Plan(group).Status!.EffectiveWeight, Plan(group).Status!.LastPods));

        // What its own status says next.
        lost.Status = lost.Status! with
        {
            Traffic = Plan(group).Status! with { LastChangeTime = Noon.UtcDateTime.AddMinutes(-29) },
            App = new AppStatus(),
        };
        Assert.Equal([null, 6, 3, null], Surges(group));
        lost.Status = lost.Status with { Traffic = lost.Status.Traffic! with { LastChangeTime = Noon.UtcDateTime.AddMinutes(-30) } };
        Assert.Equal([null, null, null, null], Surges(group));
        // It is back.
        lost.Status = lost.Status with
        {
            Traffic = lost.Status.Traffic! with { LastChangeTime = Noon.UtcDateTime, Serves = true },
        };
        Assert.Equal([null, null, null, null], Surges(group));
        Assert.Null(Plan(group).Status!.LastPods);
    }

    [Theory]
    [InlineData(int.MaxValue, 20)]
    [InlineData(int.MinValue, null)]
    public void Lost_RegionThatTellsOfAbsurdlyManyPods_AsksForNoMoreThanTheOthersMayHave(int told, int? expected)
    {
        V1Alpha1ShortenerRegion[] group = [WithPods(Region("a", serves: false, weight: 100), desired: told), WithPods(Region("b"), desired: 3)];
        Assert.Equal([null, expected], Surges(group));
    }

    [Fact]
    public void Region_ThatNeverHadVisitors_LeavesNoneToOthers()
    {
        V1Alpha1ShortenerRegion[] group = [WithPods(Region("a", spec => spec with { Weight = 0 }), desired: 9), WithPods(Region("b"), desired: 3)];

        Assert.Equal([null, null], Surges(group));
        Assert.Null(Plan(group).Status!.LastPods);
    }

    [Fact]
    public void Drained_KeepsItsVisitors_UntilOthersHaveThePods_ButNotForLong()
    {
        var drained = WithPods(Region("a"), desired: 4);
        drained.Spec = drained.Spec with { Drain = true };
        var other = WithPods(Region("b"), desired: 3);
        V1Alpha1ShortenerRegion[] group = [drained, other];

        var plan = Plan(group);
        Assert.Equal(["a", "b"], plan.OwnSets.Single().Weights.Keys.Order());
        Assert.Equal((100, Noon.UtcDateTime), (plan.Status!.EffectiveWeight, plan.Status.DrainedSince));
        Assert.Equal(4, Plan(group, 1).Status!.SurgePods);

        // The least that it needs in any role is 2, and 4 for the visitors.
        other.Status = other.Status! with
        {
            App = new AppStatus { ReadyReplicas = 5 },
        };
        Assert.Equal(2, Plan(group).OwnSets.Single().Weights.Count);
        other.Status = other.Status with { App = new AppStatus { ReadyReplicas = 6 } };
        plan = Plan(group);
        Assert.Equal(["b"], plan.OwnSets.Single().Weights.Keys);
        Assert.Equal((0, 4, (DateTime?)null), (plan.Status!.EffectiveWeight, plan.Status.LastPods, plan.Status.DrainedSince));

        other.Status = other.Status with { App = new AppStatus { ReadyReplicas = 2 } };
        drained.Status = drained.Status! with { Traffic = drained.Status.Traffic! with { DrainedSince = Noon.UtcDateTime.AddSeconds(-59) } };
        Assert.Equal(2, Plan(group).OwnSets.Single().Weights.Count);
        drained.Status = drained.Status with { Traffic = drained.Status.Traffic! with { DrainedSince = Noon.UtcDateTime.AddSeconds(-60) } };
        Assert.Equal(["b"], Plan(group).OwnSets.Single().Weights.Keys);
    }

    [Fact]
    public void Drained_WhoseOthersHaveAllTheirPods_LeavesAtOnce()
    {
        var drained = WithPods(Region("a"), desired: 40);
        drained.Spec = drained.Spec with { Drain = true };
        var other = WithPods(Region("b"), desired: 20);

        // It cannot have more.
        Assert.Equal(20, other.Spec.App.MaxReplicas);
        Assert.Equal(["b"], Plan([drained, other]).OwnSets.Single().Weights.Keys);
    }

    private static List<int?> Surges(V1Alpha1ShortenerRegion[] group) => [.. group.Select((_, index) => Plan(group, index).Status!.SurgePods)];

    private static V1Alpha1ShortenerRegion WithPods(V1Alpha1ShortenerRegion region, int desired, int? ready = null)
    {
        region.Status = region.Status! with
        {
            App = new AppStatus { HpaDesired = desired, ReadyReplicas = ready ?? desired },
        };
        return region;
    }
}
