using System.Collections.Immutable;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Failover;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>A cluster that only votes, for groups whose regions are in two clusters.</summary>
public sealed class WitnessTests
{
    private static readonly TimeSpan Now = TimeSpan.FromHours(1);
    private static readonly string Voter = Witness.VoterOf("m");

    // Of the witness: its ConfigMap is not there, has no record, or cannot be read.
    private static readonly VoterRead NoObject = new(null, null, null);
    private static readonly VoterRead Fresh = new(null, Map(), null);
    private static readonly VoterRead Silent = new(null, null, "It does not answer.");

    private static readonly TopologyRecord Record = new()
    {
        Epoch = 4,
        Phase = TopologyPhase.Stable,
        Region = "eu",
        IsGuarded = true,
        Voters = Voters.Of(["eu", "us", Voter]),
    };

    [Theory]
    [InlineData("eu:west:m us:east:m", "m", null)]
    [InlineData("eu:west:- us:east:-", null, null)]
    // Regions in one cluster are lost together, and those in three need no witness.
    [InlineData("eu:west:m us:west:m", null, "WitnessNotUsed All regions of the group that have its database are in one cluster")]
    [InlineData("eu:west:m", null, "WitnessNotUsed All regions of the group that have its database are in one cluster")]
    [InlineData("eu:west:m us:east:m ap:south:m", null, "WitnessNotUsed The regions of the group are in 3 clusters")]
    [InlineData("eu:west:m us:east:m ap:east:m", "m", null)]
    [InlineData("eu:west:east us:east:east", null, "WitnessNotUsed Cluster east runs region us")]
    // They do not all have the same; or nobody knows yet.
    [InlineData("eu:west:m us:east:-", "keep", "WitnessDiffers spec.failover.witness differs: region eu names cluster m, region us names none.")]
    [InlineData("eu:west:- us:east:m", "keep", "WitnessDiffers spec.failover.witness differs: region eu names none, region us names cluster m.")]
    [InlineData("eu:west:m us:east:n", "keep", "WitnessDiffers spec.failover.witness differs: region eu names cluster m, region us names cluster n.")]
    public void Plan_IsWhatAllRegionsWant_WhereItHelps(string group, string? expected, string? obstacle)
    {
        var regions = group.Split(' ').Select(one => one.Split(':')).Select(one => Region(one[0], one[1], one[2])).ToList();
        var plan = WitnessPlan.Of(regions, member => member);
        Assert.Equal(expected, plan.Keeps ? "keep" : plan.Cluster);
        if (obstacle is null)
            Assert.Null(plan.Obstacle);
        else
            Assert.StartsWith(obstacle, $"{plan.Obstacle!.Reason} {plan.Obstacle.Message}", StringComparison.Ordinal);
    }

    // The object in the cluster that runs a region counts, and the copy of one that was not read changes nothing.
    [Fact]
    public void Plan_OfACopy_GoesOnWithTheWitnessThatVotes()
    {
        V1Alpha1ShortenerRegion[] regions = [Region("eu", "west", "m"), Region("us", "east", "m")];
        var plan = WitnessPlan.Of(regions, member => member.Spec.Region == "eu" ? member : null);
        Assert.Equal(new WitnessPlan { Cluster = "m", Keeps = true }, plan);
        Assert.Null(VoterChange.Of(Group(plan: plan), Record with { Voters = Voters.Of(["eu", "us"]) }, Reads(Record, Record, Fresh)));
        Assert.Equal("True AsExpected", Judge(Group(plan: plan), Record, Reads(Record, Record, ReadOf(Record))));
        Assert.Equal("m", Group(plan: plan).WitnessCluster);

        Assert.Equal(
            Reasons.WitnessDiffers,
            WitnessPlan.Of(regions, member => member.Spec.Region == "eu" ? member : Region("us", "east", "-")).Obstacle!.Reason
        );
        regions = [Region("eu", "west", "-"), Region("us", "east", "-")];
        Assert.Equal(new WitnessPlan { Keeps = true }, WitnessPlan.Of(regions, _ => null));
        Assert.Equal("m", Group(plan: new WitnessPlan { Keeps = true }).WitnessCluster);
        Assert.Null(Group(plan: WitnessPlan.None).WitnessCluster);
    }

    [Fact]
    public void Plan_OfRegionsInSeveralNamespaces_IsNone()
    {
        var us = Region("us", "east", "m");
        us.Metadata.NamespaceProperty = "other";
        Assert.Equal(Reasons.WitnessNotUsed, WitnessPlan.Of([Region("eu", "west", "m"), us], member => member).Obstacle!.Reason);
    }

    [Fact]
    public void Vote_IsAnObjectOfTheGroup_WhoseNameIsNoRegions()
    {
        var place = Witness.PlaceOf(Region("eu", "west", "m"), "m");
        Assert.Equal(("shop", "default-witness", "m", "1"), (place.Namespace, place.Name, place.Cluster, place.Owner));
        Assert.Equal(("witness.m", true, "m"), (Voter, Witness.IsOne(Voter), Witness.ClusterOf(Voter)));
        Assert.False(Witness.IsOne("witness"));
        Assert.Equal("default-witness-observers", Witness.ObserversOf(Region("eu", "west", "m")).Name);
    }

    [Fact]
    public void Vote_AboutAnotherDatabase_IsNotRead()
    {
        var map = Map();
        map.Data = new Dictionary<string, string> { [VoterPlace.VoterKey] = VoterText.Write(Held(Record)), [Witness.OwnerKey] = "2" };
        Assert.Contains("database 2", VoterRead.Of(map, "1").Failure!, StringComparison.Ordinal);
        Assert.Equal(Record, VoterRead.Of(map, "2").Record!.Value);
        // That of a region belongs to its object.
        Assert.Equal(Record, VoterRead.Of(map).Record!.Value);
        Assert.True(VoterRead.Of(Map(), "1").IsMissing);
    }

    [Fact]
    public void Joins_WhenItsObjectIsThereAndAllGuardsMayReadIt()
    {
        var two = Record with { Voters = Voters.Of(["eu", "us"]) };
        Assert.Equal(new Voters(["eu", "us"], ["eu", "us", Voter]), VoterChange.Of(Group(), two, Reads(two, two, Fresh))!.Voters);
        Assert.Null(VoterChange.Of(Group(), two, Reads(two, two, NoObject)));
        Assert.Null(VoterChange.Of(Group(), two, Reads(two, two, Silent)));
        Assert.Null(VoterChange.Of(Group(isMounted: false), two, Reads(two, two, Fresh)));
        Assert.Null(VoterChange.Of(Group(isMounted: false), Record, Reads(Record, Record, ReadOf(Record))));
        Assert.Null(VoterChange.Of(Group(), two with { Phase = TopologyPhase.Fencing }, Reads(two, two, Fresh)));
        // Once it votes, nothing takes its vote but the will of all regions.
        Assert.Null(VoterChange.Of(Group(), Record, Reads(Record, Record, NoObject)));
        Assert.Null(VoterChange.Of(Group(plan: new WitnessPlan { Keeps = true }), Record, Reads(Record, Record, ReadOf(Record))));
    }

    [Fact]
    public void Leaves_WhenNobodyWantsItAndAllRegionsAnswer()
    {
        var none = Group(plan: WitnessPlan.None);
        Assert.Equal(new Voters(Record.Voters.Current, ["eu", "us"]), VoterChange.Of(none, Record, Reads(Record, Record, NoObject))!.Voters);
        // It may be the one that is needed to decide anything.
        Assert.Null(VoterChange.Of(none, Record, Reads(Record, null, ReadOf(Record))));
        // Another one takes its place in one step.
        var other = Group(plan: new WitnessPlan { Cluster = "n" }, mount: "n");
        var reads = Reads(Record, Record, ReadOf(Record));
        reads[Witness.VoterOf("n")] = new VoterRead(null, Map(), null);
        Assert.Equal(new Voters(Record.Voters.Current, ["eu", "us", "witness.n"]), VoterChange.Of(other, Record, reads)!.Voters);
    }

    // The loss of the cluster that has two of three regions is still that of half of all votes.
    [Fact]
    public void Votes_OfClustersWithUnequalNumbersOfRegions_AreNoMajorityWithoutTheLargerOne()
    {
        var voters = Voters.Of(["ap", "eu", "us", Voter]);
        Assert.False(voters.IsQuorum(["eu", Voter]));
        Assert.True(voters.IsQuorum(["ap", "us", Voter]));
    }

    [Fact]
    public void FirstRecord_HasTheWitnessIfItCanBeRead_AndDoesNotWaitForIt()
    {
        Assert.Equal(Record.Voters, VoterChange.FindFirst(Group(), Reads(null, null, Fresh)).Record!.Voters);
        Assert.Equal(Voters.Of(["eu", "us"]), VoterChange.FindFirst(Group(), Reads(null, null, Silent)).Record!.Voters);
        // The regions have lost their votes, and it has not.
        Assert.Contains(
            "has the vote of a witness",
            VoterChange.FindFirst(Group(), Reads(null, null, ReadOf(Record))).Waits!.Message,
            StringComparison.Ordinal
        );
    }

    // The region of the lost cluster does not answer, and the two other voters do not hold the same: the operator that is left asks them, whoever does not answer.
    [Fact]
    public void Operator_ThatHasJustStarted_AsksTheVotersOfTheLatestRecord()
    {
        var reads = Reads(
            null,
            Record with
            {
                Voters = Voters.Of(["eu", "us"]),
            },
            new VoterRead(new VoterRecord(new Ballot(9, "x"), new Ballot(9, "x"), Record), Map(), null)
        );
        reads["eu"] = Silent;
        Assert.Null(ChosenRecord.Find(FailoverMemory.RecordsOf(reads)));
        Assert.Equal(Record.Voters, VoterChange.FindVoters(reads));
        // Without a record of a region the group is new, or its regions have lost their votes.
        reads["us"] = Fresh;
        Assert.Null(VoterChange.FindVoters(reads));
        reads["us"] = new VoterRead(VoterRecord.Empty, Map(), null);
        Assert.Null(VoterChange.FindVoters(reads));
    }

    [Fact]
    public void LastRegion_DecidesAlone_UnlessTheWitnessCanStillDecideWithIt()
    {
        var last = Group(plan: WitnessPlan.None, regions: [Region("eu", "west", null)]);
        var reads = Reads(Record, null, Silent);
        reads["us"] = new VoterRead(null, null, null);
        Assert.True(VoterChange.IsLast(last, Record, reads));
        reads[Voter] = new VoterRead(Held(Record), Map(), null);
        Assert.False(VoterChange.IsLast(last, Record, reads));
        Assert.Equal(new Voters(Record.Voters.Current, ["eu"]), VoterChange.Of(last, Record, reads)!.Voters);
    }

    // What us decides about eu, the region of the other cluster. Where the operator of eu is heard of: "direct" at its own API server, "witness" at that of the
    // witness.
    [Theory]
    // The cluster of eu is lost.
    [InlineData("Bad", null, null, "Bad")]
    // Only the way between the two clusters is cut. Nothing moves.
    [InlineData("Bad", "Good", "witness", "Unknown")]
    // The same, and eu itself says that it cannot go on.
    [InlineData("Bad", "Bad", "witness", "Bad")]
    [InlineData("Bad", "Good", "direct", "Unknown")]
    [InlineData("Good", "Good", "witness", "Good")]
    // Whoever can write the object of the observers says so.
    [InlineData("Good", "Bad", "witness", "Unknown")]
    // The operator of eu is away, and its API server answers.
    [InlineData("Good", null, null, "Good")]
    [InlineData("Unknown", null, null, "Unknown")]
    public void TwoClusters_OneThatIsSilentEverywhereIsLost(string us, string? eu, string? heard, string expected)
    {
        var told = Heard(eu);
        var memory = Memory(Record, ("eu", us)) with
        {
            Heard = heard == "direct" ? told : ImmutableDictionary<string, HeardObserver>.Empty,
            HeardByWitness = heard == "witness" ? told : ImmutableDictionary<string, HeardObserver>.Empty,
        };
        Assert.Equal(expected, JudgedRegion.Of("eu", Group("us"), memory, Now).Verdict.ToString());
    }

    [Fact]
    public void TwoClusters_SilenceCountsOnlyWhileTheWitnessIsReadAndVotes()
    {
        var memory = Memory(Record, ("eu", "Bad"));
        Assert.Equal(Verdict.Bad, JudgedRegion.Of("eu", Group("us"), memory, Now).Verdict);
        Assert.Equal(Verdict.Unknown, JudgedRegion.Of("eu", Group("us") with { ToldByWitness = null }, memory, Now).Verdict);
        Assert.Equal(Verdict.Unknown, JudgedRegion.Of("eu", Group("us"), Memory(Record with { Voters = Voters.Of(["eu", "us"]) }, ("eu", "Bad")), Now).Verdict);
        // Nobody but its own operator finds it bad.
        Assert.Equal(Verdict.Unknown, JudgedRegion.Of("us", Group("us"), Memory(Record, ("us", "Bad")), Now).Verdict);
        // What was heard before silence begins still counts.
        var told = memory with
        {
            HeardByWitness = Heard("Good"),
        };
        Assert.Equal(Verdict.Unknown, JudgedRegion.Of("eu", Group("us"), told, Now + HeardObserver.Life - TimeSpan.FromSeconds(1)).Verdict);
        Assert.Equal(Verdict.Bad, JudgedRegion.Of("eu", Group("us"), told, Now + HeardObserver.Life).Verdict);
    }

    [Fact]
    public void Observers_TellEachOtherInOneObject_AKeyForEachCluster()
    {
        var patch = Witness.Tell("west", [KeyValuePair.Create("us", Verdict.Bad), KeyValuePair.Create("eu", Verdict.Good)], DateTimeOffset.UnixEpoch);
        var map = Map();
        map.Data = new Dictionary<string, string>
        {
            ["west"] = patch["data"]!["west"]!.GetValue<string>(),
            ["odd"] = "[",
            ["older"] = "{}",
        };
        var (cluster, report) = Witness.Hear(map).Single();
        Assert.Equal(("west", "eu Good, us Bad"), (cluster, string.Join(", ", report.Verdicts.Select(one => $"{one.Key} {one.Value}"))));
        Assert.NotEqual(report.Version, Witness.Hear(MapOf(Witness.Tell("west", [], DateTimeOffset.UnixEpoch.AddSeconds(5)))).Single().Value.Version);
        Assert.Empty(Witness.Hear(Map()));

        static V1ConfigMap MapOf(System.Text.Json.Nodes.JsonObject patch)
        {
            var map = Map();
            map.Data = new Dictionary<string, string> { ["west"] = patch["data"]!["west"]!.GetValue<string>() };
            return map;
        }
    }

    [Fact]
    public void Guards_AreToldOfAWitnessThatVotes()
    {
        var group = Group();
        Assert.Equal(["eu", "us", Voter], group.PlacesOfGuards(Record.Voters).Keys.Order());
        Assert.Equal(["eu", "us"], group.PlacesOfGuards(Voters.Of(["eu", "us"])).Keys.Order());
        // An operator that has just started does not know yet.
        Assert.Equal(["eu", "us"], group.PlacesOfGuards(null).Keys.Order());
        group = group with { Map = VoterResources.BuildMap(group.Region, isLease: true, group.Places) };
        Assert.Equal(["eu", "us", Voter], group.PlacesOfGuards(null).Keys.Order());
    }

    [Fact]
    public void Condition_SaysWhetherItVotes_AndWhyNot()
    {
        var two = Record with { Voters = Voters.Of(["eu", "us"]) };
        Assert.Equal("True AsExpected", Judge(Group(), Record, Reads(Record, Record, ReadOf(Record))));
        Assert.Null(Judge(Group(plan: WitnessPlan.None), two, Reads(two, two, NoObject)));
        Assert.Equal("Unknown WitnessChanges", Judge(Group(plan: WitnessPlan.None), Record, Reads(Record, Record, ReadOf(Record))));
        Assert.Equal("Unknown WitnessChanges", Judge(Group(), two, Reads(two, two, Fresh)));
        Assert.Equal("Unknown WitnessChanges", Judge(Group(isMounted: false), two, Reads(two, two, Fresh)));
        // It has the vote, and not the record.
        Assert.Equal("Unknown WitnessChanges", Judge(Group(), Record, Reads(Record, Record, Fresh)));
        Assert.Equal("Unknown NotVoting", Judge(Group(), null, Reads(null, null, Fresh)));
        Assert.Equal("False WitnessInvalid", Judge(Group(), Record, Reads(Record, Record, NoObject)));
        Assert.Equal("False ClusterUnreachable", Judge(Group(), Record, Reads(Record, Record, Silent)));
        var refused = Reads(Record, Record, NoObject);
        refused[Voter] = new VoterRead(null, null, "Forbidden.", IsRefusal: true);
        Assert.Equal("False AccessDenied", Judge(Group(), Record, refused));
        Assert.Equal(
            "False KubeconfigMissing",
            Judge(Group() with { WitnessObstacle = new Obstacle(Reasons.KubeconfigMissing, "") }, Record, Reads(Record, Record, Silent))
        );
        // The vote alone is not enough: without the other object, a cut between the clusters would look like the loss of one.
        Assert.Equal(
            "False WitnessInvalid",
            Judge(
                Group() with
                {
                    WitnessObstacle = WitnessRules.Missing("m", Witness.ObserversOf(Group().Region)),
                },
                Record,
                Reads(Record, Record, ReadOf(Record))
            )
        );
        var differs = new WitnessPlan { Keeps = true, Obstacle = new Obstacle(Reasons.WitnessDiffers, "") };
        Assert.Equal("False WitnessDiffers", Judge(Group(plan: differs), Record, Reads(Record, Record, ReadOf(Record))));
    }

    [Fact]
    public void Condition_DoesNotChangeForARequestThatIsLost()
    {
        var reads = Reads(Record, Record, Silent);
        var memory = Memory(Record) with { WitnessAt = Now };
        Assert.NotEqual(Reasons.ClusterUnreachable, WitnessRules.Judge(Group(), memory, reads, Now + TimeSpan.FromSeconds(11))!.Value.Reason);
        Assert.Equal(Reasons.ClusterUnreachable, WitnessRules.Judge(Group(), memory, reads, Now + WitnessRules.Patience)!.Value.Reason);
    }

    [Theory]
    [InlineData(true, "True AsExpected")]
    [InlineData(false, "False NoQuorum If cluster west of region eu is lost, only 1 of 3 votes can be read")]
    public void AutomaticFailover_OfTwoClusters_NeedsTheVoteOfTheWitness(bool answers, string expected)
    {
        var group = Group("us");
        group.Find("eu")!.Spec = group.Find("eu")!.Spec with { Failover = new FailoverSpec { Mode = FailoverMode.Automatic } };
        var reads = Reads(Record, Record, answers ? ReadOf(Record) : Silent);
        var condition = FailoverStatusRules.Build(group, Memory(Record), reads, null, null, DateTimeOffset.UnixEpoch).Conditions.Conditions.Single();
        Assert.StartsWith(expected, $"{condition.Status} {condition.Reason} {condition.Message}", StringComparison.Ordinal);
    }

    private static string? Judge(ObservedGroup group, TopologyRecord? record, Dictionary<string, VoterRead> reads) =>
        WitnessRules.Judge(group, record is null ? FailoverMemory.None : Memory(record), reads, Now) is { } told
            ? $"{(told.Status is { } status ? status.ToString() : "Unknown")} {told.Reason}"
            : null;

    private static FailoverMemory Memory(TopologyRecord record, params (string Region, string Verdict)[] probes) =>
        FailoverMemory.None with
        {
            Known = new ChosenRecord(Ballot.Zero, record),
            Probes = probes.ToImmutableDictionary(
                probe => probe.Region,
                probe => new ProbeHistory(new HealthHistory(Enum.Parse<Verdict>(probe.Verdict), 0), Now, null)
            ),
        };

    private static ImmutableDictionary<string, HeardObserver> Heard(string? eu) =>
        eu is null
            ? ImmutableDictionary<string, HeardObserver>.Empty
            : ImmutableDictionary<string, HeardObserver>.Empty.Add(
                "west",
                new HeardObserver(new ObserverReport("1", new Dictionary<string, Verdict> { ["eu"] = Enum.Parse<Verdict>(eu) }), Now)
            );

    private static VoterRecord Held(TopologyRecord record) => new(Ballot.Zero, Ballot.Zero, record);

    private static V1ConfigMap Map() =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = "default-witness", NamespaceProperty = "shop" },
        };

    private static Dictionary<string, VoterRead> Reads(TopologyRecord? eu, TopologyRecord? us, VoterRead witness) =>
        new()
        {
            ["eu"] = ReadOf(eu),
            ["us"] = ReadOf(us),
            [Voter] = witness,
        };

    private static VoterRead ReadOf(TopologyRecord? record) => new(record is null ? null : Held(record), Map(), null);

    // Regions eu and us in clusters west and east, with a witness in cluster m.
    private static ObservedGroup Group(
        string own = "eu",
        WitnessPlan? plan = null,
        bool isMounted = true,
        string mount = "m",
        IReadOnlyList<V1Alpha1ShortenerRegion>? regions = null
    )
    {
        regions ??= [Region("eu", "west", "m"), Region("us", "east", "m")];
        foreach (var region in regions)
            region.IsRemote = region.Spec.Region != own;
        var places = regions.ToDictionary(region => region.Spec.Region, VoterPlace.Of);
        places[Voter] = Witness.PlaceOf(regions[0], "m");
        return new ObservedGroup
        {
            Region = regions.First(region => !region.IsRemote),
            All = regions.ToDictionary(region => region.Spec.Region),
            Members = regions,
            Pods = regions.ToDictionary(region => region.Spec.Region, region => (IReadOnlyList<V1Pod>)[PodOf(region, isMounted ? mount : null)]),
            Places = places,
            WitnessPlan = plan ?? new WitnessPlan { Cluster = "m" },
            ToldByWitness = new Dictionary<string, ObserverReport>(),
        };
    }

    private static V1Pod PodOf(V1Alpha1ShortenerRegion region, string? mount) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Annotations = new Dictionary<string, string> { [Labels.WriteGuard] = """{"epoch":4,"lease":true,"writable":false}""" },
            },
            Spec = PostgresResources.BuildStatefulSet(region, 1, clusters: mount is null ? [] : [mount]).Spec.Template.Spec,
        };

    private static V1Alpha1ShortenerRegion Region(string name, string cluster, string? witness) =>
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
                Cluster = new ClusterSpec { Name = cluster },
                Connections = new ConnectionsSpec(),
                Failover = new FailoverSpec
                {
                    Witness = witness is null or "-" ? null : new WitnessSpec { Cluster = new WitnessClusterSpec { Name = witness } },
                },
                Postgres = new PostgresSpec { Image = "registry.example/postgres:17" },
            },
            Status = new RegionStatus
            {
                Topology = new TopologyStatus { PrimaryRegion = "eu", Epoch = 4 },
                Postgres = new PostgresStatus { SystemIdentifier = "1" },
            },
        };
}
