using System.Collections.Immutable;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Failover;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>What the operators of several clusters think of a region, and tell each other.</summary>
public sealed class ObserverTests
{
    private static readonly TimeSpan Now = TimeSpan.FromHours(1);

    [Theory]
    [InlineData("Bad", "Bad", "Bad", "Bad")]
    // The operator of a lost cluster is lost with it.
    [InlineData(null, "Bad", "Bad", "Bad")]
    // One that does not reach it proves nothing, nor does the region's own operator with one other.
    [InlineData("Good", "Bad", "Good", "Good")]
    [InlineData("Bad", "Bad", "Good", "Unknown")]
    [InlineData(null, "Bad", null, "Unknown")]
    [InlineData(null, "Bad", "Good", "Unknown")]
    public void ThreeClusters_TwoOutsideOfARegionMustFindItBad(string? eu, string us, string? ap, string expected)
    {
        var group = Group("us", "ap", "eu", "us");
        var memory = FailoverMemory.None with
        {
            Probes = ImmutableDictionary<string, ProbeHistory>.Empty.Add("eu", new ProbeHistory(new HealthHistory(Enum.Parse<Verdict>(us), 0), Now, Now)),
            Heard = ImmutableDictionary<string, HeardObserver>.Empty.AddRange(
                new[] { ("c-eu", eu), ("c-ap", ap) }
                    .Where(observer => observer.Item2 is not null)
                    .Select(observer => KeyValuePair.Create(observer.Item1, Heard(observer.Item2!)))
            ),
        };
        Assert.Equal(expected, JudgedRegion.Of("eu", group, memory, Now).Verdict.ToString());
    }

    [Fact]
    public void TwoClusters_BothMustFindItBad_AndOneAloneDecidesNothing()
    {
        var group = Group("us", "eu", "us");
        var memory = FailoverMemory.None with
        {
            Probes = ImmutableDictionary<string, ProbeHistory>.Empty.Add("eu", new ProbeHistory(new HealthHistory(Verdict.Bad, 0), Now, Now)),
        };
        Assert.Equal(Verdict.Unknown, JudgedRegion.Of("eu", group, memory, Now).Verdict);
        memory = memory with { Heard = memory.Heard.Add("c-eu", Heard("Bad")) };
        Assert.Equal(Verdict.Bad, JudgedRegion.Of("eu", group, memory, Now).Verdict);
        Assert.Equal([0, 1, 2, 2], Enumerable.Range(1, 4).Select(JudgedRegion.LeastOutside));
    }

    [Fact]
    public void OneCluster_ItsOperatorAloneDecides()
    {
        var probes = new ProbeHistory(new HealthHistory(Verdict.Bad, 0), Now, Now - TimeSpan.FromSeconds(9));
        var memory = FailoverMemory.None with { Probes = ImmutableDictionary<string, ProbeHistory>.Empty.Add("eu", probes) };
        Assert.Equal(new JudgedRegion(Verdict.Bad, probes.BadSince), JudgedRegion.Of("eu", Group(null, "eu", "us"), memory, Now));
    }

    [Fact]
    public void BadSince_CountsFromWhenMostFoundItBad_WithoutInterruption()
    {
        var group = Group("us", "ap", "eu", "us");
        var bad = FailoverMemory.None with
        {
            Probes = ImmutableDictionary<string, ProbeHistory>.Empty.Add("eu", new ProbeHistory(new HealthHistory(Verdict.Bad, 0), Now, TimeSpan.Zero)),
            Heard = ImmutableDictionary<string, HeardObserver>.Empty.Add("c-ap", Heard("Bad")),
        };
        var judged = JudgedRegion.Of("eu", group, bad, Now);
        Assert.Equal(Now, judged.BadSince);
        bad = bad with { Judged = bad.Judged.Add("eu", judged) };
        Assert.Equal(Now, JudgedRegion.Of("eu", group, bad, Now + TimeSpan.FromSeconds(5)).BadSince);
        // The other one was not heard of for a while.
        judged = JudgedRegion.Of("eu", group, bad, Now + HeardObserver.Life);
        Assert.Equal(JudgedRegion.None, judged);
    }

    [Fact]
    public void GoodSince_CountsFromWhenMostFoundItGood_AndNoOwnProbeFailed()
    {
        var group = Group("us", "ap", "eu", "us");
        var good = FailoverMemory.None with
        {
            Probes = ImmutableDictionary<string, ProbeHistory>.Empty.Add("eu", new ProbeHistory(new HealthHistory(Verdict.Good, 0), Now, null, TimeSpan.Zero)),
            Heard = ImmutableDictionary<string, HeardObserver>.Empty.Add("c-ap", Heard("Good")),
        };
        var judged = JudgedRegion.Of("eu", group, good, Now);
        Assert.Equal(new JudgedRegion(Verdict.Good, null, Now), judged);
        good = good with { Judged = good.Judged.Add("eu", judged) };
        Assert.Equal(Now, JudgedRegion.Of("eu", group, good, Now + TimeSpan.FromSeconds(5)).GoodSince);
        var failed = good with { Probes = good.Probes.SetItem("eu", good.Probes["eu"] with { GoodSince = null }) };
        Assert.Null(JudgedRegion.Of("eu", group, failed, Now + TimeSpan.FromSeconds(5)).GoodSince);
    }

    [Fact]
    public void Report_IsReadAsItWasWritten_AndCountsAsLongAsItIsRenewed()
    {
        var region = Region("eu", "c-eu", isRemote: false);
        var lease = ObserverReport.Build(region, [KeyValuePair.Create("us", Verdict.Bad), KeyValuePair.Create("eu", Verdict.Good)], DateTimeOffset.UnixEpoch);
        Assert.Equal(("eu-observer", "c-eu"), (lease.Metadata.Name, lease.Spec.HolderIdentity));
        lease.Metadata.ResourceVersion = "1";
        var report = ObserverReport.Of(lease)!;
        Assert.Equal("eu Good, us Bad", string.Join(", ", report.Verdicts.Select(one => $"{one.Key} {one.Value}")));

        var heard = HeardObserver.Learn(null, report, Now)!;
        Assert.Equal(Verdict.Bad, heard.VerdictOf("us", Now + HeardObserver.Life - TimeSpan.FromSeconds(1)));
        Assert.Equal(Verdict.Unknown, heard.VerdictOf("us", Now + HeardObserver.Life));
        Assert.Equal(Verdict.Unknown, heard.VerdictOf("ap", Now));
        // What is read again without a renewal is as old as before; a reading that fails changes nothing.
        Assert.Same(heard, HeardObserver.Learn(heard, report with { }, Now + TimeSpan.FromSeconds(10)));
        Assert.Same(heard, HeardObserver.Learn(heard, null, Now + TimeSpan.FromSeconds(10)));
        Assert.NotSame(heard, HeardObserver.Learn(heard, report with { Version = "2" }, Now + TimeSpan.FromSeconds(10)));

        Assert.Null(ObserverReport.Of(null));
        lease.Metadata.Annotations[Labels.Verdicts] = "[";
        Assert.Null(ObserverReport.Of(lease));
        lease.Metadata.Annotations[Labels.Verdicts] = """{"eu":"Excellent","us":3}""";
        Assert.Null(ObserverReport.Of(lease));
    }

    [Fact]
    public void Remote_RegionIsSeen_OnlyWhileItsClusterIsReadAndAMemberIsReady()
    {
        var group = Group("us", "ap", "eu", "us");
        var eu = group.Find("eu")!;
        Assert.False(group.Sees(eu, isWriter: true));
        group = group with { Pods = new Dictionary<string, IReadOnlyList<V1Pod>> { ["eu"] = [Ready("True")] } };
        Assert.True(group.Sees(eu, isWriter: true));
        Assert.False((group with { Unreachable = new HashSet<string> { "eu" } }).Sees(eu, isWriter: true));
        Assert.False((group with { Pods = new Dictionary<string, IReadOnlyList<V1Pod>> { ["eu"] = [Ready("False")] } }).Sees(eu, isWriter: true));
        // The pods of the own cluster are in the status.
        Assert.True(group.Sees(group.Find("us")!, isWriter: true));

        static V1Pod Ready(string status) =>
            new()
            {
                Metadata = new V1ObjectMeta(),
                Status = new V1PodStatus { Conditions = [new V1PodCondition { Type = "Ready", Status = status }] },
            };
    }

    [Fact]
    public void Remote_RegionWhoseObjectIsDeletedHere_IsNotGone()
    {
        var group = Group("us", "us") with { Places = new Dictionary<string, VoterPlace> { ["eu"] = new("shop", "eu-topology", "c-eu") } };
        var record = new TopologyRecord
        {
            Epoch = 4,
            Phase = TopologyPhase.Stable,
            Region = "eu",
            Voters = Voters.Of(["eu", "us"]),
        };
        var view = group.View(FailoverMemory.None with { Known = new ChosenRecord(Ballot.Zero, record) }, Now, default).Regions["eu"];
        Assert.Equal((false, (long?)null, Verdict.Unknown), (view.IsGone, view.FencedEpoch, view.Verdict));
        Assert.Equal(["us"], group.Own);
    }

    [Fact]
    public void Remote_RegionDeletedHere_LeavesTheVotes_OnceItsClusterSaysThatItsVoteIsGone()
    {
        var record = new TopologyRecord
        {
            Epoch = 4,
            Phase = TopologyPhase.Stable,
            Region = "us",
            Voters = Voters.Of(["ap", "eu", "us"]),
        };
        var there = new VoterRead(null, new V1ConfigMap(), null);
        Assert.Null(Change(new VoterRead(null, null, "Cluster c-eu does not answer.")));
        Assert.Null(Change(there));
        Assert.Equal("ap,eu,us -> ap,us", Change(new VoterRead(null, null, null))!.Voters.ToString());

        TopologyRecord? Change(VoterRead eu) =>
            VoterChange.Of(
                Group("us", "ap", "us"),
                record,
                new Dictionary<string, VoterRead>
                {
                    ["ap"] = there,
                    ["eu"] = eu,
                    ["us"] = there,
                }
            );
    }

    [Fact]
    public void Remote_MemberTellsItsPositionInItsPod()
    {
        var leader = RemoteMember.FindLeader([
            Pod("""{"state":"running","role":"replica","xlog_location":5}"""),
            Pod("""{"state":"running","role":"standby_leader","xlog_location":32,"receive_lsn":32,"replay_lsn":16}"""),
        ])!;
        Assert.Equal((32L, 16L), (leader.End, leader.Position!.Replayed));
        Assert.Equal(48, RemoteMember.FindLeader([Pod("""{"state":"running","role":"primary","xlog_location":48}""")])!.Position!.Written);
        Assert.Null(RemoteMember.FindLeader([Pod("{"), Pod("[]"), Pod("""{"role":3}"""), Pod(null), Pod("""{"state":"stopped","role":"primary"}""")]));

        static V1Pod Pod(string? status) =>
            new() { Metadata = new V1ObjectMeta { Annotations = status is null ? null : new Dictionary<string, string> { ["status"] = status } } };
    }

    [Theory]
    [InlineData("eu", "us", null, false)]
    [InlineData("eu", "us", "ap", true)]
    // Its vote is not there yet, as of a region that has just joined.
    [InlineData("eu", "us", "ap", false, "ap")]
    public void Condition_WhereMostVotesAreLostWithTheCluster_SaysThatTheRoleStays(
        string first,
        string second,
        string? third,
        bool expected,
        string? without = null
    )
    {
        var names = new[] { first, second, third }.OfType<string>().Order(StringComparer.Ordinal).ToArray();
        var record = new TopologyRecord
        {
            Epoch = 4,
            Phase = TopologyPhase.Stable,
            Region = "eu",
            IsGuarded = true,
            Voters = Voters.Of(names),
        };
        var group = Group("us", names);
        group.Find("eu")!.Spec = group.Find("eu")!.Spec with { Failover = new FailoverSpec { Mode = FailoverMode.Automatic } };
        var reads = names.ToDictionary(
            name => name,
            name => new VoterRead(name == without ? null : new VoterRecord(Ballot.Zero, Ballot.Zero, record), null, null)
        );
        var condition = FailoverStatusRules
            .Build(group, FailoverMemory.None with { Known = new ChosenRecord(Ballot.Zero, record) }, reads, null, null, DateTimeOffset.UnixEpoch)
            .Conditions.Conditions.Single();
        Assert.Equal((expected ? "True" : "False", expected ? "AsExpected" : "NoQuorum"), (condition.Status, condition.Reason));
        if (!expected)
            Assert.StartsWith($"If cluster c-eu of region eu is lost, only 1 of {names.Length} votes can be read", condition.Message, StringComparison.Ordinal);
    }

    private static HeardObserver Heard(string verdict) =>
        new(new ObserverReport("1", new Dictionary<string, Verdict> { ["eu"] = Enum.Parse<Verdict>(verdict) }), Now);

    // Seen by the operator of a cluster; null: all are in one without a name.
    private static ObservedGroup Group(string? own, params string[] names)
    {
        var regions = names.Select(name => Region(name, own is null ? null : $"c-{name}", own is not null && name != own)).ToList();
        return new ObservedGroup
        {
            Region = regions.First(region => own is null || region.Spec.Region == own),
            All = regions.ToDictionary(region => region.Spec.Region),
            Members = regions,
            Pods = new Dictionary<string, IReadOnlyList<V1Pod>>(),
            Places = regions.ToDictionary(region => region.Spec.Region, VoterPlace.Of),
        };
    }

    private static V1Alpha1ShortenerRegion Region(string name, string? cluster, bool isRemote) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = "shop",
                Uid = name,
            },
            Spec = SpecJson.MinimalRegion() with
            {
                Region = name,
                Cluster = cluster is null ? null : new ClusterSpec { Name = cluster },
                Connections = new ConnectionsSpec(),
                Postgres = new PostgresSpec { Image = "registry.example/postgres:17" },
            },
            Status = new RegionStatus
            {
                App = new AppStatus { ReadyReplicas = 1 },
                Postgres = new PostgresStatus { SystemIdentifier = "1", Primary = $"{name}-postgres-0" },
            },
            IsRemote = isRemote,
        };
}
