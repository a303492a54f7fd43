using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>When a standby region gets a new copy of the database, and how.</summary>
public sealed class RegionCopyTests
{
    private const long Behind = 0x0100_0000;
    private const long Newer = 0x0900_0000;

    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    private static readonly DateTimeOffset Later = Now.AddSeconds(30);

    [Fact]
    public void Plan_RegionThatThePrimaryRegionLost_GetsAFurtherMemberThatCopiesThePrimaryRegion()
    {
        var observed = Observe();
        var memory = Remember(observed);

        Assert.Equal(new RegionAbsence("us-postgres-0", Now), memory.Behind);
        Assert.False(RegionCopy.IsWanted(Us(), observed, memory, Later.AddSeconds(-1)));
        Assert.True(RegionCopy.IsWanted(Us(), observed, memory, Later));
        Assert.Equal(2, Scale(observed, memory, Later.AddSeconds(-1)));
        Assert.Equal(3, Scale(observed, memory, Later));
        Assert.Null(RegionCopy.Next(Us(), observed, memory, Later));
    }

    [Fact]
    public void Configuration_WhileTheRegionGetsACopy_MakesNewMembersFromThePrimaryRegion()
    {
        var dynamic = PatroniConfiguration.BuildDynamic(Us(), GroupPlace.Of(Us(), Group()), reseeds: true);

        Assert.Equal("""["primary_region"]""", dynamic["standby_cluster"]!["create_replica_methods"]!.ToJsonString());
        var method = dynamic["postgresql"]!["primary_region"]!;
        Assert.Equal("pg_basebackup", (string?)method["command"]);
        Assert.StartsWith("host=eu-postgres-rw.shop.svc port=5432 user=replicator ", (string?)method["dbname"], StringComparison.Ordinal);
        Assert.Contains(" sslmode=verify-ca ", (string?)method["dbname"], StringComparison.Ordinal);
        Assert.True(RegionCopy.IsConfigured(dynamic));
        Assert.False(RegionCopy.IsConfigured(PatroniConfiguration.BuildDynamic(Us(), GroupPlace.Of(Us(), Group()))));
    }

    [Fact]
    public void Next_MemberWithMoreThanTheLeader_Leads()
    {
        var memory = Remember(Observe());
        var copied = Observe(Replica(Newer));

        var step = Assert.IsType<RolloutStep.Switchover>(RegionCopy.Next(Us(), copied, memory, Later));
        Assert.Equal(("us-postgres-0", "us-postgres-2"), (step.Member, step.To));
        Assert.Null(RegionCopy.Next(Us(), copied, memory with { SwitchoverNotBefore = Later.AddSeconds(1) }, Later));
        Assert.Null(RegionCopy.Next(Us(), copied, memory with { Switchover = new PlannedSwitchover("us-postgres-0", "us-postgres-2", Now) }, Later));
        Assert.Null(RegionCopy.Next(Us(), Observe(Replica(Newer) with { State = "starting" }), memory, Later));
        Assert.Null(RegionCopy.Next(Us(), Observe(Replica(Behind)), memory, Later));
    }

    // That of a member which was removed earlier: it would never be ahead.
    [Fact]
    public void Next_FurtherMemberWithAnOldVolume_IsMadeAnewFromThePrimaryRegion()
    {
        var memory = Remember(Observe());
        var configuration = PatroniConfiguration.BuildDynamic(Us(), GroupPlace.Of(Us(), Group()), reseeds: true);
        var old = Observe(Replica(Behind)) with
        {
            Configuration = new V1ConfigMap
            {
                Metadata = new V1ObjectMeta { Annotations = new Dictionary<string, string> { ["config"] = configuration.ToJsonString() } },
            },
        };

        var step = Assert.IsType<RolloutStep.Rebuild>(RegionCopy.Next(Us(), old, memory, Later));
        Assert.Equal(("us-postgres-2", false), (step.Member, step.OfPrimary));
        Assert.Null(RegionCopy.Next(Us(), old, memory with { ConfiguredAt = Later }, Later));
        Assert.Null(RegionCopy.Next(Us(), old, memory with { RebuiltAt = new Dictionary<string, DateTimeOffset> { ["us-postgres-2"] = Now } }, Later));
        // Nobody else loses what it has.
        var members = new Dictionary<string, PatroniMember>(old.Members);
        members.Remove("us-postgres-2");
        Assert.Null(RegionCopy.Next(Us(), old with { Members = members }, memory, Later));
    }

    // A change of its state begins the time anew: only what lasts is a reason.
    [Fact]
    public void Track_AnythingElse_IsNoAbsence()
    {
        var observed = Observe();
        Assert.Null(Track(observed, PostgresMemory.None));
        Assert.Null(Track(Observe(state: StandbyState.Away)));
        Assert.Null(Track(Observe(isSourceReady: false)));
        Assert.Null(Track(Observe(timeline: 8)));
        Assert.Null(Track(observed with { Lock = new PatroniLock("us-postgres-7", Now, "7") }));
        Assert.Equal(
            new RegionAbsence("us-postgres-0", Later),
            Track(observed, Remember(observed) with { Behind = new RegionAbsence("us-postgres-1", Now) }, Later)
        );
        Assert.Equal(new RegionAbsence("us-postgres-0", Now), Track(observed, Remember(observed), Later));
    }

    [Fact]
    public void IsWanted_WhereAPersonOrUnsavedChangesForbidIt_IsNot()
    {
        var observed = Observe();
        var memory = Remember(observed);
        var manual = Us();
        manual.Spec = manual.Spec with { Postgres = manual.Spec.Postgres! with { Rejoin = RejoinPolicy.Manual } };

        Assert.False(RegionCopy.IsWanted(manual, observed, memory, Later));
        Assert.False(
            RegionCopy.IsWanted(
                Us(),
                observed with
                {
                    Members = observed.Members.ToDictionary(member => member.Key, member => member.Value with { Paused = true }),
                },
                memory,
                Later
            )
        );
        observed.Pods[1].Metadata.Annotations = new Dictionary<string, string> { [Labels.SavedChanges] = """{ "waits": "no room" }""" };
        Assert.False(RegionCopy.IsWanted(Us(), observed, memory, Later));
        observed.Pods[1].Metadata.Annotations = new Dictionary<string, string> { [Labels.SavedChanges] = """{ "saving": true }""" };
        Assert.False(RegionCopy.IsWanted(Us(), observed, memory, Later));
    }

    // The new copy leads and receives changes; all others are behind.
    [Fact]
    public void Rejoin_MembersOfARegionWithANewCopy_CopyItOneAfterAnother()
    {
        var observed = Observe(Replica(Newer)) with { Lock = new PatroniLock("us-postgres-2", Now, "7") };
        var members = new Dictionary<string, PatroniMember>(observed.Members)
        {
            ["us-postgres-0"] = Replica(Behind) with { ReplicationState = null },
            ["us-postgres-1"] = Replica(Behind) with { ReplicationState = null },
            ["us-postgres-2"] = Leader(Newer),
        };
        observed = observed with { Members = members };
        var away = MemberRejoin.Track(observed, new Dictionary<string, MemberAbsence>(), Now);
        var memory = PostgresMemory.None with { Away = away };
        var due = Later;

        Assert.Null(MemberRejoin.Next(Us(), observed, memory, due.AddSeconds(-1)));
        Assert.Equal("us-postgres-0", MemberRejoin.Next(Us(), observed, memory, due)?.Member);
        members["us-postgres-0"] = Replica(Behind) with { State = "creating replica" };
        Assert.Null(MemberRejoin.Next(Us(), observed, memory with { Away = MemberRejoin.Track(observed, away, due) }, due));
        members["us-postgres-0"] = Replica(Newer);
        Assert.Equal("us-postgres-1", MemberRejoin.Next(Us(), observed, memory with { Away = MemberRejoin.Track(observed, away, due) }, due)?.Member);
        // Nobody copies a leader that is behind itself.
        Assert.Null(MemberRejoin.Next(Us(), observed, memory with { Behind = new RegionAbsence("us-postgres-2", Now) }, due));
    }

    private static PostgresMemory Remember(ObservedPostgres observed)
    {
        var memory = PostgresMemory.None with { Waits = new StandbyWait(Behind, null) };
        return memory with { Behind = Track(observed, memory) };
    }

    private static RegionAbsence? Track(ObservedPostgres observed, PostgresMemory? memory = null, DateTimeOffset? now = null) =>
        RegionCopy.Track(
            Us(),
            GroupPlace.Of(Us(), observed.Group),
            observed,
            memory ?? PostgresMemory.None with { Waits = new StandbyWait(Behind, null) },
            now ?? Now
        );

    private static int Scale(ObservedPostgres observed, PostgresMemory memory, DateTimeOffset now) => PostgresScale.Of(Us(), observed, memory, now).Replicas;

    private static ObservedPostgres Observe(PatroniMember? further = null, string state = StandbyState.Lost, bool isSourceReady = true, int timeline = 4)
    {
        var members = new Dictionary<string, PatroniMember>
        {
            ["us-postgres-0"] = Leader(Behind) with { ReplicationState = null, Timeline = timeline },
            ["us-postgres-1"] = Replica(Behind),
        };
        if (further is not null)
            members["us-postgres-2"] = further;
        return new ObservedPostgres
        {
            Group = Group(state, isSourceReady),
            Lock = new PatroniLock("us-postgres-0", Now, "7"),
            Pods = [.. members.Keys.Select(name => new V1Pod { Metadata = new V1ObjectMeta { Name = name } })],
            Members = members,
            StatefulSet = new V1StatefulSet { Spec = new V1StatefulSetSpec { Replicas = 2 } },
        };
    }

    private static PatroniMember Leader(long received) => Replica(received) with { Role = "standby_leader" };

    private static PatroniMember Replica(long received) =>
        new()
        {
            State = "running",
            Role = "replica",
            ReplicationState = "streaming",
            Timeline = 4,
            Position = new PatroniPosition { Received = received, Replayed = received },
        };

    private static V1Alpha1ShortenerRegion[] Group(string state = StandbyState.Lost, bool isSourceReady = true)
    {
        var eu = Build("eu");
        eu.Status = new RegionStatus
        {
            Role = RegionRole.Primary,
            Topology = new TopologyStatus { PrimaryRegion = "eu", Epoch = 1 },
            Postgres = new PostgresStatus
            {
                SystemIdentifier = "77",
                Timeline = 7,
                Standbys = [new PostgresStandby { Region = "us", State = state }],
            },
            Conditions = [new V1Condition { Type = ConditionTypes.PostgresReady, Status = isSourceReady ? "True" : "False" }],
        };
        return [eu, Us()];
    }

    private static V1Alpha1ShortenerRegion Us()
    {
        var us = Build("us");
        us.Status = new RegionStatus
        {
            Role = RegionRole.Standby,
            Topology = new TopologyStatus { PrimaryRegion = "eu", Epoch = 1 },
            Postgres = new PostgresStatus { SystemIdentifier = "77" },
        };
        return us;
    }

    private static V1Alpha1ShortenerRegion Build(string region) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = region,
                NamespaceProperty = "shop",
                Uid = $"uid-{region}",
            },
            Spec = SpecJson.MinimalRegion() with
            {
                Region = region,
                Connections = new ConnectionsSpec(),
                Postgres = new PostgresSpec { Image = "registry.example/postgres:17", Instances = 2 },
            },
        };
}
