using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Mirrors;
using Xunit;

namespace UrlShortener.Operator.Tests.Mirrors;

public sealed class MirrorRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    private static readonly RegionStatus There = new()
    {
        ObservedGeneration = 7,
        Role = RegionRole.Primary,
        Conditions =
        [
            new V1Condition
            {
                Type = "Ready",
                Status = "True",
                Reason = "AsExpected",
                ObservedGeneration = 7,
            },
            new V1Condition
            {
                Type = "Stalled",
                Status = "False",
                Reason = "AsExpected",
                ObservedGeneration = 6,
            },
        ],
    };

    [Fact]
    public void Read_IsCopied_WithTheGenerationsOfTheObjectHere()
    {
        var (status, changed) = MirrorRules.Build(Region(3), Region(7, There), Now, null, Now);
        Assert.Equal((3L, RegionRole.Primary), (status.ObservedGeneration, status.Role));
        Assert.Equal(
            ["Ready True 3", "Stalled False 2", "ClusterReachable True 3"],
            status.Conditions!.Select(condition => $"{condition.Type} {condition.Status} {condition.ObservedGeneration}")
        );
        Assert.Equal([ConditionTypes.ClusterReachable], changed.Select(change => change.Condition.Type));

        // A second look changes nothing, whatever the time is.
        var again = MirrorRules.Build(Region(3, status), Region(7, There), Now, null, Now.AddHours(1));
        Assert.Empty(again.Changed);
        Assert.Equal(status.Conditions!.Select(Text), again.Status.Conditions!.Select(Text));
        // The object there is not as new as it is said to be.
        Assert.Equal(2, MirrorRules.Build(Region(3), Region(8, There), Now, null, Now).Status.ObservedGeneration);
    }

    [Fact]
    public void Unreachable_KeepsWhatWasReadLast_AndTellsTheFirstFailureOnly()
    {
        var known = MirrorRules.Build(Region(3), Region(7, There), Now, null, Now).Status;
        var (status, changed) = MirrorRules.Build(Region(3, known), null, Now, new Obstacle(Reasons.ClusterUnreachable, "First."), Now.AddMinutes(1));
        Assert.Equal(RegionRole.Primary, status.Role);
        var condition = status.Conditions!.Single(one => one.Type == ConditionTypes.ClusterReachable);
        Assert.Equal(("False", "First. The status is that of 2026-11-30 12:00:00Z."), (condition.Status, condition.Message));
        Assert.Single(changed);

        var again = MirrorRules.Build(Region(3, status), null, Now, new Obstacle(Reasons.ClusterUnreachable, "Second."), Now.AddMinutes(2));
        Assert.Equal(Text(condition), Text(again.Status.Conditions!.Single(one => one.Type == ConditionTypes.ClusterReachable)));
        Assert.Contains(
            "from before this operator began",
            MirrorRules.Build(Region(3), null, null, new Obstacle(Reasons.KubeconfigInvalid, "x"), Now).Status.Conditions!.Single().Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void AnotherObject_IsNotCopied()
    {
        Assert.Null(MirrorRules.FindDifference(Region(3), Region(7)));
        Assert.Equal(Reasons.RegionConflict, MirrorRules.FindDifference(Region(3), Region(7, cluster: "other"))!.Reason);
        Assert.Equal(Reasons.RegionConflict, MirrorRules.FindDifference(Region(3), Region(7, cluster: null))!.Reason);
    }

    [Fact]
    public void Interval_WhileTheRoleMoves_IsShort()
    {
        Assert.Equal(MirrorRules.Interval, MirrorRules.IntervalOf(There));
        var moving = There with
        {
            Failover = new FailoverStatus { Phase = FailoverPhase.Fencing, Region = "us" },
        };
        Assert.Equal(MirrorRules.MovingInterval, MirrorRules.IntervalOf(moving));
    }

    private static string Text(V1Condition condition) => k8s.KubernetesJson.Serialize(condition);

    private static V1Alpha1ShortenerRegion Region(long generation, RegionStatus? status = null, string? cluster = "west") =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = "us",
                NamespaceProperty = "shop",
                Generation = generation,
            },
            Spec = SpecJson.MinimalRegion() with { Region = "us", Cluster = cluster is null ? null : new ClusterSpec { Name = cluster } },
            Status = status,
        };
}
