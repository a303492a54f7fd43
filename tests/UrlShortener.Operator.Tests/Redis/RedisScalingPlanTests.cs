using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>The steps that add and remove shards and replicas, without servers.</summary>
public sealed class RedisScalingPlanTests
{
    private static readonly RedisSpec Three = SampleCluster.Spec;
    private static readonly RedisSpec Four = Three with { Shards = 4 };

    [Fact]
    public void NewShard_JoinsThenHasAReplicaThenGetsSlots()
    {
        var cluster = new SampleCluster().AddShard();
        Assert.Equal(["10.0.0.7", "10.0.0.8"], cluster.Plan(Four).Actions.Cast<RedisAction.Meet>().Select(meet => meet.Ip));

        cluster.Join(isFollowed: false);
        var replicate = Assert.IsType<RedisAction.Replicate>(Assert.Single(cluster.Plan(Four).Actions));
        Assert.Equal(("r-3-1", SampleCluster.IdOf(6)), (replicate.Pod, replicate.MasterId));

        cluster.Join(isFollowed: true);
        var plan = cluster.Plan(Four);
        var move = Assert.IsType<RedisAction.MoveSlots>(Assert.Single(plan.Actions));
        Assert.Equal(("r-3-0", "r-0-0", 5460, false), (move.Pod, move.SourcePod, move.Slots[0], move.IsResumed));
        Assert.Equal(["r-1-0", "r-2-0"], move.Others.Order(StringComparer.Ordinal));
        Assert.Equal(SlotRange.Slots / 4, plan.SlotsToMove);
        Assert.Contains("slots move", plan.Scaling, StringComparison.Ordinal);
        Assert.Null(plan.Missing);
    }

    [Fact]
    public void Slots_MoveOnlyWhileAllNodesWork()
    {
        var cluster = new SampleCluster().AddShard().Join(isFollowed: true);
        cluster.Pods["r-1-1"] = cluster.Pods["r-1-1"] with { IsTerminating = true };
        Assert.Empty(cluster.Plan(Four).Actions);
        cluster.Pods["r-1-1"] = cluster.Pods["r-1-1"] with { IsTerminating = false };

        cluster.Fail("r-2-1", RedisReach.TimedOut);
        Assert.Empty(cluster.Plan(Four).Actions);
    }

    [Fact]
    public void OpenSlots_AreCompletedBeforeAnythingElse()
    {
        var cluster = new SampleCluster().AddShard().Join(isFollowed: true);
        foreach (var pod in cluster.Pods.Keys.ToList())
            cluster.Pods[pod] = cluster.Pods[pod] with { IsOutdated = true };
        Mark(
            "r-3-0",
            line =>
                line with
                {
                    Importing = new Dictionary<int, string> { [7] = SampleCluster.IdOf(0), [9] = SampleCluster.IdOf(0) },
                }
        );

        var move = Assert.IsType<RedisAction.MoveSlots>(Assert.Single(cluster.Plan(Three).Actions));
        Assert.Equal(("r-3-0", "r-0-0", true), (move.Pod, move.SourcePod, move.IsResumed));
        Assert.Equal([7, 9], move.Slots);

        // Its target is gone for good: the owner has all keys that there are.
        Mark("r-3-0", line => line with { Importing = new Dictionary<int, string>() });
        Mark("r-0-0", line => line with { Migrating = new Dictionary<int, string> { [7] = new string('e', 40) } });
        Assert.Equal(new RedisAction.CloseSlot("r-0-0", 7, null), Assert.Single(cluster.Plan(Four).Actions));

        // The former owner has not heard of the new one.
        Mark("r-0-0", line => line with { Migrating = new Dictionary<int, string>() });
        Mark("r-1-0", line => line with { Migrating = new Dictionary<int, string> { [7] = SampleCluster.IdOf(0) } });
        Assert.Equal(new RedisAction.CloseSlot("r-1-0", 7, SampleCluster.IdOf(0)), Assert.Single(cluster.Plan(Four).Actions));

        void Mark(string pod, Func<ClusterMember, ClusterMember> change)
        {
            var view = cluster.Views[pod];
            cluster.Views[pod] = view with { Members = [change(view.Self!), .. view.Members.Where(member => !member.IsSelf)] };
        }
    }

    [Fact]
    public void SlotsThatAreHeldUp_AreToldWhenNothingElseCanMove()
    {
        var cluster = new SampleCluster().AddShard().Join(isFollowed: true);
        var memory = new RedisMemory().After(new SlotMoveOutcome(0, (5460, "slot 5460 has a key"), null), RedisPlanTests.Now);
        var plan = cluster.Plan(Four, memory);
        Assert.Equal(5459, Assert.IsType<RedisAction.MoveSlots>(Assert.Single(plan.Actions)).Slots[0]);
        Assert.Null(plan.Obstacle);

        foreach (var slot in Enumerable.Range(0, SlotRange.Slots))
            memory = memory.After(new SlotMoveOutcome(0, (slot, $"slot {slot} has a key"), null), RedisPlanTests.Now);
        Assert.Equal(Reasons.SlotsHeldUp, cluster.Plan(Four, memory).Obstacle?.Reason);

        // A command that fails once is no news, one that fails for long is.
        var failing = new RedisMemory().After(new SlotMoveOutcome(0, null, "OOM"), RedisPlanTests.Now.AddSeconds(-31));
        Assert.Contains("OOM", cluster.Plan(Four, failing).Obstacle?.Message, StringComparison.Ordinal);
        Assert.Null(cluster.Plan(Four, new RedisMemory().After(new SlotMoveOutcome(0, null, "OOM"), RedisPlanTests.Now)).Obstacle);
    }

    [Fact]
    public void ShardThatGoes_ForgetsItsDataAndIsForgottenBeforeItsPodsGo()
    {
        var cluster = new SampleCluster().AddShard(isLeaving: true).Join(isFollowed: true);
        var plan = cluster.Plan();
        Assert.Equal("r-3-1", Assert.IsType<RedisAction.Retire>(Assert.Single(plan.Actions)).Pod);
        Assert.Equal(2, plan.Shards[3]);
        Assert.Contains("r-3-0", plan.Scaling, StringComparison.Ordinal);

        cluster.Reset("r-3-1");
        cluster.Lose(SampleCluster.IdOf(7), isForgotten: true);
        var memory = new RedisMemory { Retired = new RedisMemory().Retired.Add("r-3-1", "r-3-1/1") };
        Assert.Equal("r-3-0", Assert.IsType<RedisAction.Retire>(Assert.Single(cluster.Plan(after: memory).Actions)).Pod);

        // Never over data.
        cluster.Views["r-3-0"] = cluster.Views["r-3-0"] with
        {
            Keys = 5,
        };
        Assert.Empty(cluster.Plan(after: memory).Actions);
        Assert.Equal(Reasons.SlotsHeldUp, cluster.Plan(after: memory).Obstacle?.Reason);

        cluster.Reset("r-3-0");
        memory = memory with { Retired = memory.Retired.Add("r-3-0", "r-3-0/1") };
        cluster.Lose(SampleCluster.IdOf(6), isForgotten: false);
        plan = cluster.Plan(after: memory);
        Assert.All(plan.Actions, action => Assert.Equal(SampleCluster.IdOf(6), Assert.IsType<RedisAction.Forget>(action).Id));
        Assert.Equal(2, plan.Shards[3]);

        cluster.Lose(SampleCluster.IdOf(6), isForgotten: true);
        Assert.DoesNotContain(3, cluster.Plan(after: memory).Shards.Keys);
        Assert.Empty(cluster.Plan(after: memory).Actions);
        // Another operator does not know that the files are empty too.
        Assert.Equal(2, cluster.Plan().Actions.OfType<RedisAction.Retire>().Count());
        Assert.Contains(3, cluster.Plan().Shards.Keys);
        // Nobody answers: nothing is known.
        foreach (var pod in cluster.Pods.Keys)
            cluster.Fail(pod, RedisReach.TimedOut);
        Assert.Contains(3, cluster.Plan(after: memory).Shards.Keys);
    }

    [Fact]
    public void ShardWhosePodsNeverRan_GoesAtOnce()
    {
        var cluster = new SampleCluster().AddShard(isLeaving: true);
        cluster.Kill("r-3-0");
        cluster.Kill("r-3-1");

        var plan = cluster.Plan();

        Assert.Null(plan.Missing);
        Assert.DoesNotContain(3, plan.Shards.Keys);
    }

    [Fact]
    public void ReplicaThatGoes_HandsOverFirstAndLeavesTheOthers()
    {
        var cluster = new SampleCluster();
        // Pod 0 stands for one with the highest number.
        cluster.Pods["r-0-0"] = cluster.Pods["r-0-0"] with
        {
            IsLeaving = true,
        };
        var failover = Assert.IsType<RedisAction.Failover>(Assert.Single(cluster.Plan().Actions));
        Assert.Equal(("r-0-1", FailoverKind.Graceful, FailoverCause.ScaleIn), (failover.Pod, failover.Kind, failover.Cause));

        cluster.Pods["r-0-0"] = cluster.Pods["r-0-0"] with { IsLeaving = false };
        cluster.Pods["r-0-1"] = cluster.Pods["r-0-1"] with { IsLeaving = true };
        Assert.Equal("r-0-1", Assert.IsType<RedisAction.Retire>(Assert.Single(cluster.Plan().Actions)).Pod);
        cluster.Fail("r-1-1", RedisReach.TimedOut);
        Assert.Empty(cluster.Plan().Actions);
    }
}
