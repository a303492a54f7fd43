using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>The next steps for a cluster, without servers.</summary>
public sealed class RedisPlanTests
{
    internal static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly RedisSpec Spec = SampleCluster.Spec;

    [Fact]
    public void NewNodes_GetSlotsBeforeTheyMeet()
    {
        var cluster = new SampleCluster().Blank();

        var actions = cluster.Plan().Actions;

        var slots = actions.Cast<RedisAction.AddSlots>().ToList();
        Assert.Equal(SlotRange.Slots, slots.Sum(action => action.Ranges.Sum(range => range.Count)));
        Assert.Equal([1, 2, 3], slots.Select(action => action.Epoch));
        Assert.Equal(3, slots.Select(action => cluster.Pods[action.Pod].Domain).Distinct().Count());
    }

    [Fact]
    public void NewNodes_OneWithKeys_FormNoCluster()
    {
        var cluster = new SampleCluster().Blank();
        cluster.Views["r-0-0"] = cluster.Views["r-0-0"] with { Keys = 1 };

        var plan = cluster.Plan();

        Assert.Empty(plan.Actions.OfType<RedisAction.AddSlots>());
        Assert.Contains("only of empty nodes", plan.Obstacle?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NewNodes_OneSilent_FormNoCluster()
    {
        var cluster = new SampleCluster().Blank();
        cluster.Fail("r-1-1", RedisReach.TimedOut);

        Assert.Empty(cluster.Plan().Actions.OfType<RedisAction.AddSlots>());
    }

    [Fact]
    public void WholeCluster_NeedsNothing()
    {
        var plan = new SampleCluster().Plan();

        Assert.Empty(plan.Actions);
        Assert.Null(plan.Missing);
    }

    [Theory]
    [InlineData(nameof(RedisReach.TimedOut))]
    [InlineData(nameof(RedisReach.Broken))]
    public void SilentMaster_IsNotProvenDead(string reach)
    {
        var cluster = new SampleCluster();
        cluster.Fail("r-0-0", Enum.Parse<RedisReach>(reach));

        Assert.Empty(cluster.Plan().Actions);
    }

    [Fact]
    public void MasterThatRefusesConnections_IsSucceededByForce()
    {
        var cluster = new SampleCluster();
        cluster.Fail("r-0-0", RedisReach.Refused);

        var failover = Assert.IsType<RedisAction.Failover>(Assert.Single(cluster.Plan().Actions));
        Assert.Equal(("r-0-1", FailoverKind.Force, FailoverCause.Assisted, 0), (failover.Pod, failover.Kind, failover.Cause, failover.Shard));
        // Masters vote once in twice the node timeout.
        Assert.Empty(cluster.Plan(after: new RedisMemory().After(failover.Act, Now.AddSeconds(-2.9))).Actions);
        Assert.Single(cluster.Plan(after: new RedisMemory().After(failover.Act, Now.AddSeconds(-3.1))).Actions);
        Assert.Empty(cluster.Plan(Spec with { AssistedFailover = false }).Actions);
    }

    // The user wrote something invalid, or the region is suspended.
    [Fact]
    public void SpecificationThatIsNotApplied_FailoversAddressesAndLinksGoOn()
    {
        var cluster = new SampleCluster();
        cluster.Fail("r-0-0", RedisReach.Refused);
        Assert.IsType<RedisAction.Failover>(Assert.Single(cluster.Plan(applies: false).Actions));

        cluster.Kill("r-0-0");
        cluster.Kill("r-1-0");
        var late = new RedisMemory { QuorumLostSince = Now.AddSeconds(-11) };
        Assert.Equal(FailoverKind.Takeover, Assert.IsType<RedisAction.Failover>(Assert.Single(cluster.Plan(after: late, applies: false).Actions)).Kind);

        cluster = new SampleCluster();
        cluster.Pods["r-2-1"] = cluster.Pods["r-2-1"] with { Ip = "10.0.9.9" };
        cluster.Views["r-0-1"] = cluster.Views["r-0-1"] with { MasterHost = "10.0.7.7" };
        Assert.Equal(["Meet", "Replicate"], cluster.Plan(applies: false).Actions.Select(action => action.GetType().Name));
    }

    [Fact]
    public void SpecificationThatIsNotApplied_NothingElseIsDone()
    {
        Assert.Empty(new SampleCluster().Blank().Plan(applies: false).Actions);

        var cluster = new SampleCluster();
        foreach (var pod in cluster.Pods.Keys.ToList())
            cluster.Pods[pod] = cluster.Pods[pod] with { IsOutdated = true, Domain = pod[^1..] };
        Assert.NotEmpty(cluster.Plan().Actions);
        Assert.Empty(cluster.Plan(applies: false).Actions);

        cluster.Views["r-0-0"] = cluster.Views["r-0-0"] with { Settings = new Dictionary<string, string> { ["maxmemory"] = "1" } };
        Assert.IsType<RedisAction.Configure>(Assert.Single(cluster.Plan().Actions));
        Assert.Empty(cluster.Plan(applies: false).Actions);
        // No node could have that many bytes, and the plan must not fail because of them.
        Assert.Empty(cluster.Plan(Spec with { MaxMemory = new ResourceQuantity("9999999999E") }, applies: false).Actions);
    }

    [Fact]
    public void MasterWithoutItsPod_IsSucceeded()
    {
        var cluster = new SampleCluster();
        cluster.Pods["r-0-0"] = cluster.Pods["r-0-0"] with { Ip = null, Process = null, Death = "pod r-0-0 does not exist" };
        cluster.Views.Remove("r-0-0");

        Assert.IsType<RedisAction.Failover>(Assert.Single(cluster.Plan().Actions));
    }

    [Fact]
    public void ReplicaThatNeverHadTheData_TakesOverOnlyWhenNobodyHasThem()
    {
        var cluster = new SampleCluster();
        cluster.Fail("r-0-0", RedisReach.Refused);
        cluster.Views["r-0-1"] = cluster.Views["r-0-1"] with { IsLinkUp = false, LinkDownSeconds = -1, Offset = 0 };
        Assert.Empty(cluster.Plan().Actions);

        cluster.Views["r-0-0"] = SampleCluster.View("r-0-0", SampleCluster.IdOf(9), [SampleCluster.Line(SampleCluster.IdOf(9), "10.0.0.1", "myself,master")]);
        var failover = Assert.IsType<RedisAction.Failover>(Assert.Single(cluster.Plan().Actions));
        Assert.Equal("r-0-1", failover.Pod);
    }

    [Fact]
    public void MasterThatReadsItsData_IsSucceededAfterTwoSeconds()
    {
        var cluster = new SampleCluster();
        cluster.Fail("r-0-0", RedisReach.Answered, isLoading: true);
        Assert.Empty(cluster.Plan().Actions);

        var memory = new RedisMemory { Lost = new RedisMemory().Lost.SetItem(SampleCluster.IdOf(0), Now.AddSeconds(-2)) };
        Assert.IsType<RedisAction.Failover>(Assert.Single(cluster.Plan(after: memory).Actions));
    }

    [Fact]
    public void MajorityGone_TakesOverOnlyAfterTenSecondsAndWithProofOfAll()
    {
        var cluster = new SampleCluster();
        cluster.Kill("r-0-0");
        cluster.Fail("r-1-0", RedisReach.Refused);
        var memory = new RedisMemory { QuorumLostSince = Now.AddSeconds(-11) };
        // A refused connection is no proof that somebody else does not serve.
        Assert.Empty(cluster.Plan(after: memory).Actions);

        cluster.Kill("r-1-0");
        Assert.Empty(cluster.Plan(after: memory with { QuorumLostSince = Now.AddSeconds(-9) }).Actions);
        var failover = Assert.IsType<RedisAction.Failover>(Assert.Single(cluster.Plan(after: memory).Actions));
        Assert.Equal(FailoverKind.Takeover, failover.Kind);
    }

    [Fact]
    public void MovedNode_IsMetOnceByTheNodeThatKnowsMost()
    {
        var cluster = new SampleCluster();
        cluster.Pods["r-2-1"] = cluster.Pods["r-2-1"] with { Ip = "10.0.9.9" };
        cluster.Views["r-1-0"] = cluster.Views["r-1-0"] with { CurrentEpoch = 99 };

        var meet = Assert.IsType<RedisAction.Meet>(Assert.Single(cluster.Plan().Actions));
        Assert.Equal(("r-1-0", "10.0.9.9"), (meet.Pod, meet.Ip));
        Assert.Empty(cluster.Plan(after: new RedisMemory().After(meet.Act, Now.AddSeconds(-1))).Actions);
    }

    [Fact]
    public void Node_ThatHearsOfAnotherOneByNobody_MeetsItItself()
    {
        var cluster = new SampleCluster();
        var node = cluster.Views["r-2-1"];
        cluster.Views["r-2-1"] = node with { IsStateOk = false, Members = [.. node.Members.Where(member => member.Id != SampleCluster.IdOf(0))] };
        var memory = new RedisMemory().Observe(cluster.ViewOf(new RedisMemory()), Now.AddSeconds(-10));

        var plan = cluster.Plan(after: memory);

        var meet = Assert.IsType<RedisAction.Meet>(Assert.Single(plan.Actions));
        Assert.Equal(("r-2-1", "10.0.0.1"), (meet.Pod, meet.Ip));
        Assert.Equal("the node in pod r-2-1 says that the cluster is down: it knows no owner of 5461 slots", plan.Missing);
        Assert.Empty(cluster.Plan(after: memory with { Strange = memory.Strange.SetItem("r-2-1", Now.AddSeconds(-9)) }).Actions);
    }

    [Fact]
    public void Node_ThatDoesNotReachAMaster_IsToldWithIt()
    {
        var cluster = new SampleCluster();
        var node = cluster.Views["r-2-1"];
        cluster.Views["r-2-1"] = node with
        {
            IsStateOk = false,
            Members =
            [
                .. node.Members.Select(member =>
                    member.Id == SampleCluster.IdOf(1) ? member with { Flags = new HashSet<string>(["master", "fail?"]) } : member
                ),
            ],
        };

        Assert.Equal("the node in pod r-2-1 says that the cluster is down: it does not reach r-1-0", cluster.Plan().Missing);
    }

    [Theory]
    [InlineData("10.0.0.1", true, null, false)]
    [InlineData("10.0.7.7", true, null, true)]
    [InlineData("10.0.0.1", false, 2L, false)]
    [InlineData("10.0.0.1", false, 4L, true)]
    public void Replica_WithAWrongOrBrokenLink_IsAttachedAgain(string masterHost, bool isLinkUp, long? downSeconds, bool isAttached)
    {
        var cluster = new SampleCluster();
        cluster.Views["r-0-1"] = cluster.Views["r-0-1"] with { MasterHost = masterHost, IsLinkUp = isLinkUp, LinkDownSeconds = downSeconds };

        var actions = cluster.Plan().Actions;

        Assert.Equal(isAttached, actions is [RedisAction.Replicate { Pod: "r-0-1" }]);
    }

    [Fact]
    public void NodeThatIsGone_IsForgottenOnlyWhenAllPodsAnswerWithoutIt()
    {
        var gone = SampleCluster.Line(SampleCluster.IdOf(8), "10.0.8.8", "master,fail");
        var cluster = new SampleCluster();
        foreach (var pod in cluster.Views.Keys.ToList())
            cluster.Views[pod] = cluster.Views[pod] with { Members = [.. cluster.Views[pod].Members, gone] };
        Assert.Equal(6, cluster.Plan().Actions.OfType<RedisAction.Forget>().Count());

        cluster.Fail("r-2-1", RedisReach.TimedOut);
        Assert.Empty(cluster.Plan().Actions.OfType<RedisAction.Forget>());
    }

    [Fact]
    public void MasterWithALivingReplica_IsNotForgotten()
    {
        var cluster = new SampleCluster();
        // The pod of the master of shard 0 came back with another identity, and its replica has not taken over yet.
        cluster.Views["r-0-0"] = SampleCluster.View("r-0-0", SampleCluster.IdOf(9), [SampleCluster.Line(SampleCluster.IdOf(9), "10.0.0.1", "myself,master")]);

        Assert.Empty(cluster.Plan().Actions.OfType<RedisAction.Forget>());
        Assert.Contains(cluster.Plan().Actions, action => action is RedisAction.Failover { Pod: "r-0-1" });
    }

    [Fact]
    public void TwoMastersInAZone_OneMovesToAnEmptyZoneAtMostOnceAMinute()
    {
        var cluster = new SampleCluster();
        foreach (var (pod, zone) in new[] { ("r-0-0", "a"), ("r-0-1", "b"), ("r-1-0", "a"), ("r-1-1", "c"), ("r-2-0", "b"), ("r-2-1", "c") })
            cluster.Pods[pod] = cluster.Pods[pod] with { Domain = zone };

        var failover = Assert.IsType<RedisAction.Failover>(Assert.Single(cluster.Plan().Actions));
        Assert.Equal(("r-1-1", FailoverKind.Graceful, FailoverCause.Placement), (failover.Pod, failover.Kind, failover.Cause));
        Assert.Empty(cluster.Plan(after: new RedisMemory().After(failover.Act, Now.AddSeconds(-59))).Actions);
        cluster.Pods["r-2-0"] = cluster.Pods["r-2-0"] with { IsTerminating = true };
        Assert.Empty(cluster.Plan().Actions);
    }

    [Fact]
    public void Update_ReplacesReplicasThenHandsOverThenTheOldMaster()
    {
        var cluster = new SampleCluster();
        foreach (var pod in cluster.Pods.Keys.ToList())
            cluster.Pods[pod] = cluster.Pods[pod] with { IsOutdated = true };
        Assert.Equal("r-0-1", Assert.IsType<RedisAction.Restart>(Assert.Single(cluster.Plan().Actions)).Pod);

        // Never against a replica that has not caught up.
        cluster.Views["r-1-1"] = cluster.Views["r-1-1"] with
        {
            IsLinkUp = false,
            IsSyncing = true,
        };
        Assert.Empty(cluster.Plan().Actions);
        cluster.Views["r-1-1"] = cluster.Views["r-1-1"] with { IsLinkUp = true };

        foreach (var pod in new[] { "r-0-1", "r-1-1", "r-2-1" })
            cluster.Pods[pod] = cluster.Pods[pod] with { IsOutdated = false };
        var failover = Assert.IsType<RedisAction.Failover>(Assert.Single(cluster.Plan().Actions));
        Assert.Equal(("r-0-1", FailoverKind.Graceful, FailoverCause.Update), (failover.Pod, failover.Kind, failover.Cause));

        // The outdated specification may be what keeps a pod from running.
        cluster.Kill("r-2-0");
        cluster.Pods["r-2-0"] = cluster.Pods["r-2-0"] with { IsOutdated = true };
        Assert.IsType<RedisAction.Failover>(Assert.Single(cluster.Plan().Actions));
        cluster.Pods["r-2-1"] = cluster.Pods["r-2-1"] with { IsOutdated = false };
        Assert.Contains(
            cluster.Plan(after: new RedisMemory().After("failover/2", Now)).Actions.Concat(cluster.Plan(Spec with { AssistedFailover = false }).Actions),
            action => action is RedisAction.Restart { Pod: "r-2-0" }
        );
    }

    [Fact]
    public void TwoClaimsToASlot_TheHigherEpochOwnsIt()
    {
        var cluster = new SampleCluster();
        var stale = cluster.Views["r-0-1"];
        cluster.Views["r-0-1"] = stale with
        {
            Members =
            [
                .. stale.Members.Where(member => !member.IsSelf),
                stale.Self! with
                {
                    Flags = new HashSet<string> { "myself", "master" },
                    MasterId = null,
                    Epoch = 50,
                    Slots = [SlotRange.Of(0, 3)],
                },
            ],
        };

        var view = cluster.ViewOf(new RedisMemory());

        Assert.Equal(SlotRange.Slots, view.SlotsAssigned);
        Assert.Equal(stale.Id, view.OwnerOf(0));
    }

    [Fact]
    public void FullDisk_IsTold()
    {
        var cluster = new SampleCluster();
        cluster.Views["r-1-0"] = cluster.Views["r-1-0"] with { FailsToPersist = true };

        Assert.Contains("r-1-0 cannot write its append-only file", cluster.Plan().Obstacle?.Message, StringComparison.Ordinal);
    }

    // As when both Secrets were lost while no operator ran.
    [Fact]
    public void Nodes_RefuseThePassword_NothingIsDoneAndTheConditionSaysWhatToDo()
    {
        var cluster = new SampleCluster();
        var refusal = RedisOutcome.Failed(RedisReach.Broken, "WRONGPASS invalid username-password pair or user is disabled.");
        foreach (var pod in cluster.Pods.Keys)
            cluster.Views[pod] = NodeView.Of(pod, [.. NodeView.Questions.Select(_ => refusal)]);
        var region = new V1Alpha1ShortenerRegion
        {
            Metadata = new V1ObjectMeta { Name = "eu" },
            Status = new RegionStatus { Redis = new RedisStatus { State = RedisState.Ready } },
        };

        var plan = cluster.Plan();
        var (_, conditions, failovers) = RedisStatusRules.Build(
            region,
            new ObservedRedis(),
            cluster.ViewOf(new RedisMemory()),
            plan,
            obstacle: null,
            new RedisMemory(),
            begun: null,
            Now
        );

        Assert.Empty(plan.Actions);
        Assert.Empty(failovers);
        var ready = conditions.Conditions.Single(condition => condition.Type == "RedisReady");
        Assert.Equal(("False", "PasswordRefused"), (ready.Status, ready.Reason));
        Assert.Contains("pod r-0-0, and 5 others, refuses the password in Secret eu-redis-auth", ready.Message, StringComparison.Ordinal);
        Assert.Contains("delete the pod", ready.Message, StringComparison.Ordinal);
    }

    // Somebody ran ACL SETUSER default -@all by hand. It serves nobody, and has not ended.
    [Fact]
    public void Node_RefusesEveryCommand_IsToldAndNotSucceeded()
    {
        var cluster = new SampleCluster();
        var refusal = RedisOutcome.Of(RespReply.Of(RespKind.Error, "NOPERM this user has no permissions to run the 'cluster|nodes' command"));
        cluster.Views["r-0-0"] = NodeView.Of("r-0-0", [.. NodeView.Questions.Select(_ => refusal)]);

        var plan = cluster.Plan();

        Assert.Empty(plan.Actions);
        Assert.StartsWith("the node in pod r-0-0 does not answer (NOPERM", plan.Missing, StringComparison.Ordinal);
    }

    [Fact]
    public void Failover_WhoseStatusWasNotWritten_IsStillTold()
    {
        var view = new SampleCluster().ViewOf(new RedisMemory());
        var told = new RedisFailoverStatus { From = "r-0-1", To = "r-0-0" };
        var region = new V1Alpha1ShortenerRegion { Status = new RegionStatus { Redis = new RedisStatus { State = RedisState.Ready } } };

        var (status, _, failovers) = RedisStatusRules.Build(
            region,
            new ObservedRedis(),
            view,
            new RedisPlan(),
            obstacle: null,
            new RedisMemory { LastFailover = told },
            begun: null,
            Now
        );

        Assert.Empty(failovers);
        Assert.Equal(told, status.LastFailover);
    }

    [Theory]
    [InlineData(5, "r-0-1", "ScaleIn")]
    [InlineData(120, "r-0-1", "Native")]
    [InlineData(5, "r-0-2", "Native")]
    public void HandOver_SeenLate_IsToldWithItsCause(int seconds, string from, string cause)
    {
        // It was begun some reconciles ago. Since then the node did not answer in time.
        var memory = new RedisMemory { Masters = new RedisMemory().Masters.SetItem(0, "r-0-1") }.AfterFailover(0, from, FailoverCause.ScaleIn, Now);
        var later = Now.AddSeconds(seconds);
        var view = new SampleCluster().ViewOf(memory);
        memory = memory.Observe(view, later) with { Masters = memory.Masters };

        var (_, _, failovers) = RedisStatusRules.Build(
            new V1Alpha1ShortenerRegion(),
            new ObservedRedis(),
            view,
            new RedisPlan(),
            obstacle: null,
            memory,
            begun: null,
            later
        );

        Assert.Equal(("r-0-1", "r-0-0", cause), failovers.Select(one => (one.From!, one.To!, one.Cause!)).Single());
        var after = memory.After(failovers);
        Assert.Equal(failovers[0], after.LastFailover);
        Assert.Equal(FailoverCause.Native, after.CauseOf(0, "r-0-1"));
    }
}
