using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>Which region's database is copied by which, and the configuration of Patroni that follows from it.</summary>
public sealed class GroupPlaceTests
{
    [Fact]
    public void Of_OneRegion_BeginsADatabaseAndFollowsNobody()
    {
        var region = Build("eu");
        var place = GroupPlace.Of(region, [region]);

        Assert.Equal((null, false, null), (place.Source, place.Waits, place.Obstacle));
        Assert.NotNull(Local(region, place)["bootstrap"]!["initdb"]);
        Assert.Null(PatroniConfiguration.BuildDynamic(region, place)["standby_cluster"]);
        Assert.Null(PatroniConfiguration.BuildDynamic(region, place)["slots"]);
        Assert.True(JsonNode.DeepEquals(PatroniConfiguration.BuildDynamic(region, GroupPlace.Alone), PatroniConfiguration.BuildDynamic(region, place)));
    }

    [Fact]
    public void Of_StandbyOfARegionWithADatabase_FollowsIt()
    {
        var (eu, us) = (Primary("eu", "77"), Standby("us", "eu"));
        var place = GroupPlace.Of(us, [eu, us]);

        Assert.Same(eu, place.Source);
        var standby = PatroniConfiguration.BuildDynamic(us, place)["standby_cluster"]!;
        Assert.Equal(
            """{"host":"eu-postgres-rw.shop.svc","port":5432,"primary_slot_name":"region_us","create_replica_methods":["basebackup"]}""",
            standby.ToJsonString()
        );
    }

    // Patroni begins a database only with the instructions for one. Without them it copies, also when somebody has deleted its ConfigMaps.
    [Theory]
    [InlineData(null)]
    [InlineData("77")]
    public void LocalConfiguration_OfAStandby_CopiesAndNeverBeginsADatabase(string? database)
    {
        var (eu, us) = (Primary("eu", "77"), Standby("us", "eu", database));
        var bootstrap = Local(us, GroupPlace.Of(us, [eu, us]))["bootstrap"]!.AsObject();

        Assert.Equal(["dcs"], bootstrap.Select(part => part.Key));
        Assert.Equal("eu-postgres-rw.shop.svc", (string?)bootstrap["dcs"]!["standby_cluster"]!["host"]);
    }

    [Fact]
    public void Of_EndpointInTheSpecification_IsWhereOthersConnect()
    {
        var (eu, us) = (Primary("eu", "77"), Standby("us", "eu"));
        eu.Spec = eu.Spec with
        {
            Postgres = eu.Spec.Postgres! with
            {
                ReplicationEndpoint = new ReplicationEndpointSpec { Host = "eu.db.example", Port = 6432 },
            },
        };
        var standby = PatroniConfiguration.BuildDynamic(us, GroupPlace.Of(us, [eu, us]))["standby_cluster"]!;

        Assert.Equal(("eu.db.example", 6432), ((string?)standby["host"], (int?)standby["port"]));
    }

    [Fact]
    public void Of_PrimaryWithStandbys_KeepsTheLogForEachAndLetsTheirMembersIn()
    {
        var (eu, us, asia) = (Primary("eu", "77"), Standby("us", "eu", "77"), Standby("asia-east", "eu"));
        var dynamic = PatroniConfiguration.BuildDynamic(eu, GroupPlace.Of(eu, [eu, us, asia]));

        Assert.Equal("""{"region_asia_east":{"type":"physical"},"region_us":{"type":"physical"}}""", dynamic["slots"]!.ToJsonString());
        Assert.Equal(
            [
                "members \"eu-postgres.shop.svc\" postgres",
                "members \"eu-postgres.shop.svc\" replicator",
                "members \"asia-east-postgres.shop.svc\" postgres",
                "members \"asia-east-postgres.shop.svc\" replicator",
                "members \"us-postgres.shop.svc\" postgres",
                "members \"us-postgres.shop.svc\" replicator",
                "app postgres shortener",
                "app postgres shortener_2",
            ],
            dynamic["postgresql"]!["pg_ident"]!.AsArray().Select(line => (string?)line)
        );
        Assert.NotNull(dynamic["postgresql"]!["parameters"]!["max_slot_wal_keep_size"]);
    }

    // Synchronous replication of the region itself goes on when it becomes the primary; Patroni ignores it until then.
    [Fact]
    public void Configuration_OfARoleThatMoves_DiffersInStandbyAndSlotsAlone()
    {
        var (eu, us) = (Primary("eu", "77"), Standby("us", "eu", "77"));
        var standby = PatroniConfiguration.BuildDynamic(us, GroupPlace.Of(us, [eu, us]));
        eu.Status = eu.Status! with
        {
            Role = RegionRole.Standby,
            Topology = new TopologyStatus { PrimaryRegion = "us" },
        };
        us.Status = us.Status! with
        {
            Role = RegionRole.Primary,
            Topology = new TopologyStatus { PrimaryRegion = "us" },
        };
        var primary = PatroniConfiguration.BuildDynamic(us, GroupPlace.Of(us, [eu, us]), standby);

        Assert.Equal("""{"region_eu":{"type":"physical"}}""", primary["slots"]!.ToJsonString());
        standby.Remove("standby_cluster");
        primary.Remove("slots");
        Assert.True(JsonNode.DeepEquals(standby, primary));
        Assert.Equal("quorum", (string?)primary["synchronous_mode"]);
    }

    [Fact]
    public void Of_RegionsWithDifferentDatabases_FollowNobodyAndKeepNoLog()
    {
        var (eu, us) = (Primary("eu", "77"), Standby("us", "eu", "88"));
        var place = GroupPlace.Of(us, [eu, us]);

        Assert.Null(place.Source);
        Assert.Equal(Reasons.DifferentDatabase, place.Obstacle?.Reason);
        Assert.False(place.Waits);
        Assert.Empty(GroupPlace.Of(eu, [eu, us]).Peers);
        Assert.Null(Local(us, place)["bootstrap"]);
    }

    // PostgreSQL tells replicas apart by the names of members: a region with the same ones would count as a synchronous replica of the other.
    [Fact]
    public void Of_RegionsWithTheSameNameInTwoNamespaces_FollowNobody()
    {
        var (eu, us) = (Primary("eu", "77", name: "main", trusted: ["store"]), Standby("us", "eu", name: "main", space: "store", trusted: ["shop"]));

        Assert.Equal(Reasons.NameTaken, GroupPlace.Of(us, [eu, us]).Obstacle?.Reason);
        Assert.Empty(GroupPlace.Of(eu, [eu, us]).Peers);
    }

    // Whoever may create a region in a namespace of his own must not get a copy of this database, nor its superuser.
    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(true, true, true)]
    public void Of_RegionsOfTwoNamespaces_ShareADatabaseIfBothSaySo(bool euTrusts, bool usTrusts, bool share)
    {
        var eu = Primary("eu", "77", trusted: euTrusts ? ["store"] : []);
        var us = Standby("us", "eu", space: "store", trusted: usTrusts ? ["shop"] : []);
        eu.Status = eu.Status! with { Postgres = eu.Status.Postgres! with { Authorities = "" } };
        var (of, by) = (GroupPlace.Of(eu, [eu, us]), GroupPlace.Of(us, [eu, us]));

        Assert.Equal(share, by.Source is not null);
        Assert.Equal(share, of.Peers.Count == 1);
        Assert.Equal(share ? null : Reasons.NotTrusted, by.Obstacle?.Reason);
        Assert.Equal(share ? 1 : 0, PeersIn(PostgresResources.BuildNetworkPolicy(eu, of)));
        // It has a database of its own, as before there were standby regions.
        Assert.Equal(share, Local(us, by)["bootstrap"]!["initdb"] is null);
    }

    [Fact]
    public void Of_NewGroup_BeginsTheDatabaseInOneRegionAlone()
    {
        var (eu, us) = (Build("eu", priority: 60), Build("us", priority: 50));
        eu.Status = us.Status = new RegionStatus
        {
            Role = RegionRole.Standby,
            Topology = new TopologyStatus { Epoch = 0 },
        };

        // It says so first, and looks again.
        Assert.Equal(Reasons.StoreStarting, GroupPlace.Of(eu, [eu, us]).Obstacle?.Reason);
        Assert.Equal((0, 0), (Scale(eu, [eu, us]), Scale(us, [eu, us])));
        eu.Status = eu.Status with { Postgres = new PostgresStatus() };
        Assert.False(GroupPlace.Of(eu, [eu, us]).Waits);
        var waiting = GroupPlace.Of(us, [eu, us]);
        Assert.Equal((true, Reasons.AwaitsPrimaryRegion), (waiting.Waits, waiting.Obstacle?.Reason));
        Assert.Contains("region eu", waiting.Obstacle!.Message, StringComparison.Ordinal);
        Assert.Equal((3, 0), (Scale(eu, [eu, us]), Scale(us, [eu, us])));
    }

    [Fact]
    public void Of_NewGroupWhoseFirstRegionIsSuspended_BeginsInAnother()
    {
        var (eu, us) = (Build("eu", priority: 60), Build("us", priority: 50));
        us.Status = new RegionStatus { Postgres = new PostgresStatus() };
        eu.Spec = eu.Spec with { Suspend = SuspendMode.Changes };

        Assert.False(GroupPlace.Of(us, [eu, us]).Waits);
    }

    // A region that is added with a higher priority does not begin another one, and one that waits has not begun.
    [Fact]
    public void Of_NewGroupWhoseDatabaseHasBegun_BeginsNoOther()
    {
        var (eu, us) = (Build("eu", priority: 50), Build("us", priority: 90));
        us.Status = new RegionStatus
        {
            Postgres = new PostgresStatus(),
            Conditions = [new V1Condition { Type = ConditionTypes.PostgresReady, Reason = Reasons.AwaitsPrimaryRegion }],
        };
        foreach (var database in new[] { null, "77" })
        {
            eu.Status = new RegionStatus { Postgres = new PostgresStatus { SystemIdentifier = database } };
            Assert.True(GroupPlace.Of(us, [eu, us]).Waits);
            Assert.False(GroupPlace.Of(eu, [eu, us]).Waits);
        }
    }

    // It would be a second primary.
    [Fact]
    public void Configuration_OfAStandbyThatKnowsNoPrimary_StaysThatOfAStandby()
    {
        var (eu, us) = (Primary("eu", "77"), Standby("us", "eu", "77"));
        var live = PatroniConfiguration.BuildDynamic(us, GroupPlace.Of(us, [eu, us]));
        V1Alpha1ShortenerRegion[] alone = [us];
        Assert.Equal("eu-postgres-rw.shop.svc", Host(alone));
        eu.Metadata.DeletionTimestamp = DateTime.UnixEpoch;
        Assert.Equal("eu-postgres-rw.shop.svc", Host([eu, us]));
        us.Status = us.Status! with { Role = null, Topology = null };
        Assert.Equal("eu-postgres-rw.shop.svc", Host(alone));
        us.Status = us.Status with { Role = RegionRole.Primary };
        Assert.Null(Host(alone));

        string? Host(IReadOnlyList<V1Alpha1ShortenerRegion> group) =>
            (string?)PatroniConfiguration.BuildDynamic(us, GroupPlace.Of(us, group), live)["standby_cluster"]?["host"];
    }

    [Theory]
    [InlineData(true, null, StandbyState.Streaming)]
    [InlineData(false, null, StandbyState.Away)]
    [InlineData(false, 0x0300_0000L, StandbyState.Away)]
    [InlineData(false, 0x02FF_FFFFL, StandbyState.Lost)]
    // It asks for what is gone, again and again.
    [InlineData(true, 0x02FF_FFFFL, StandbyState.Lost)]
    public void StateOf_ARegionThatFollows_IsLostOnceThePrimaryLacksWhatItNeeds(bool isActive, long? waitsAt, string state)
    {
        var us = Standby("us", "eu", "77");
        us.Status = us.Status! with { Postgres = us.Status.Postgres! with { WaitsAt = waitsAt } };

        Assert.Equal(state, new RegionSlots(new Dictionary<string, bool> { ["region_us"] = isActive }, 0x0300_0000).StateOf(us));
        Assert.NotEqual(StandbyState.Lost, new RegionSlots(new Dictionary<string, bool>(), null).StateOf(us));
    }

    [Fact]
    public void FindBehind_RegionsThatReceiveChanges_AreThoseWhoseAppHasAnotherRole()
    {
        var (eu, us) = (Primary("eu", "77"), Standby("us", "eu", "77"));
        us.Status = us.Status! with { Postgres = us.Status.Postgres! with { StandbyLeader = "us-postgres-0", AppRole = "shortener" } };
        var observed = new ObservedPostgres { Group = [eu, us], Slots = new RegionSlots(new Dictionary<string, bool> { ["region_us"] = true }, null) };

        Assert.Equal("us", GroupPlace.FindBehind(eu, observed, "shortener_2"));
        Assert.Null(GroupPlace.FindBehind(eu, observed, "shortener"));
        // It finds the roles as they are when it comes back.
        var away = new RegionSlots(new Dictionary<string, bool> { ["region_us"] = false }, null);
        Assert.Null(GroupPlace.FindBehind(eu, observed with { Slots = away }, "shortener_2"));
    }

    // A group does not replace the pods of its members.
    [Fact]
    public void Pods_OfRegionsOfAGroup_AreThoseOfARegionAlone()
    {
        var (eu, us) = (Primary("eu", "77"), Standby("us", "eu"));
        var endpoint = eu.Spec with { Postgres = eu.Spec.Postgres! with { ReplicationEndpoint = new ReplicationEndpointSpec { Host = "eu.example" } } };

        Assert.Equal(
            Digest.OfObject(PostgresResources.BuildStatefulSet(Build("us"), 3).Spec.Template),
            Digest.OfObject(PostgresResources.BuildStatefulSet(us, 3).Spec.Template)
        );
        var before = Digest.OfObject(PostgresResources.BuildStatefulSet(eu, 3).Spec.Template);
        eu.Spec = endpoint;
        Assert.Equal(before, Digest.OfObject(PostgresResources.BuildStatefulSet(eu, 3).Spec.Template));
    }

    private static int PeersIn(V1NetworkPolicy policy) => policy.Spec.Ingress[0].FromProperty.Count(peer => peer.NamespaceSelector?.MatchLabels?.Count > 0);

    private static int Scale(V1Alpha1ShortenerRegion region, IReadOnlyList<V1Alpha1ShortenerRegion> group) =>
        PostgresScale.Of(region, new ObservedPostgres { Group = group }, PostgresMemory.None, DateTimeOffset.UnixEpoch).Replicas;

    private static JsonObject Local(V1Alpha1ShortenerRegion region, GroupPlace place) =>
        JsonNode.Parse(PatroniConfiguration.BuildLocal(region, place))!.AsObject();

    private static V1Alpha1ShortenerRegion Primary(string region, string database, string? name = null, string[]? trusted = null)
    {
        var built = Build(region, name, trusted: trusted);
        built.Status = new RegionStatus
        {
            Role = RegionRole.Primary,
            Topology = new TopologyStatus { PrimaryRegion = region, Epoch = 1 },
            Postgres = new PostgresStatus { SystemIdentifier = database },
        };
        return built;
    }

    private static V1Alpha1ShortenerRegion Standby(
        string region,
        string primary,
        string? database = null,
        string? name = null,
        string space = "shop",
        string[]? trusted = null
    )
    {
        var built = Build(region, name, space, trusted);
        built.Status = new RegionStatus
        {
            Role = RegionRole.Standby,
            Topology = new TopologyStatus { PrimaryRegion = primary, Epoch = 1 },
            Postgres = database is null ? null : new PostgresStatus { SystemIdentifier = database },
        };
        return built;
    }

    private static V1Alpha1ShortenerRegion Build(string region, string? name = null, string space = "shop", string[]? trusted = null, int priority = 50) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = name ?? region,
                NamespaceProperty = space,
                Uid = $"uid-{space}-{name}-{region}",
            },
            Spec = SpecJson.MinimalRegion() with
            {
                Region = region,
                Connections = new ConnectionsSpec(),
                Failover = new FailoverSpec { Priority = priority },
                Postgres = new PostgresSpec { Image = "registry.example/postgres:17", TrustedNamespaces = trusted ?? [] },
            },
        };
}
