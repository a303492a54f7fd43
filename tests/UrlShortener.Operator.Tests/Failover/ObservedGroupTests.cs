using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Failover;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>What is decided on, from objects as the caches have them.</summary>
public sealed class ObservedGroupTests
{
    private static readonly TopologyRecord Record = new()
    {
        Epoch = 4,
        Phase = TopologyPhase.Stable,
        Region = "eu",
        Voters = Voters.Of(["ap", "eu", "us"]),
    };

    private static readonly TopologyRecord Fencing = Record with { Epoch = 5, Phase = TopologyPhase.Fencing, Region = "us", Former = "eu" };

    [Fact]
    public void Fence_CountsWhenAllMembersOfTheRegionSayThatTheyAreReadOnly()
    {
        var eu = Region("eu");
        Assert.Null(ViewOf(Group([eu], Pod("eu", Fenced(5)), Pod("eu", null)), "eu", Fencing).FencedEpoch);
        Assert.Null(ViewOf(Group([eu], Pod("eu", Fenced(5)), Pod("eu", Writable(5))), "eu", Fencing).FencedEpoch);
        // No members are no proof: they may be just starting, or run on a node that is cut off.
        Assert.Null(ViewOf(Group([eu]), "eu", Fencing).FencedEpoch);
        var view = ViewOf(Group([eu], Pod("eu", Fenced(6)), Pod("eu", Fenced(5, "0/20"))), "eu", Fencing);
        Assert.Equal((5L, 0x20ul), (view.FencedEpoch, view.FencedAt));
    }

    [Fact]
    public void Deleted_RegionWithoutMembers_CountsAsFenced()
    {
        Assert.Equal((true, 5L), (GoneEu().IsGone, GoneEu().FencedEpoch));
        Assert.Null(GoneEu(Pod("eu", Writable(4))).FencedEpoch);

        static RegionView GoneEu(params (string Region, V1Pod Pod)[] pods) => ViewOf(Group([Region("us")], pods), "eu", Fencing);
    }

    [Fact]
    public void Guards_AllMembersOfARegionThatWantsThem_EndTheirRightThemselves()
    {
        var automatic = Region("eu", mode: FailoverMode.Automatic);
        Assert.True(ViewOf(Group([automatic], Pod("eu", Writable(4)), Pod("eu", Fenced(4))), "eu").IsGuarded);
        Assert.False(ViewOf(Group([automatic], Pod("eu", Writable(4, lease: false)), Pod("eu", Fenced(4))), "eu").IsGuarded);
        Assert.False(ViewOf(Group([automatic], Pod("eu", Writable(4)), Pod("eu", null)), "eu").IsGuarded);
        Assert.False(ViewOf(Group([automatic]), "eu").IsGuarded);
        Assert.False(ViewOf(Group([Region("eu")], Pod("eu", Writable(4))), "eu").IsGuarded);
    }

    [Fact]
    public void GuardEpoch_IsTheHighestThatAGuardKnows()
    {
        var eu = Region("eu");
        Assert.Equal(4, View(Group([eu]), Record).GuardEpoch);
        Assert.Equal(4, View(Group([eu], Pod("eu", Writable(3)), Pod("us", null)), Record).GuardEpoch);
        Assert.Equal(9, View(Group([eu], Pod("eu", Fenced(7)), Pod("us", Writable(9))), Record).GuardEpoch);
        // Somebody who writes annotations cannot use up all epochs.
        Assert.Equal(4, View(Group([eu], Pod("eu", Writable(long.MaxValue))), Record).GuardEpoch);
        var group = Group([eu], Pod("eu", Fenced(7)), Pod("eu", null), Pod("eu", Writable(6)));
        Assert.Equal((6L, null), (ViewOf(group, "eu").WritableIn, ViewOf(group, "eu").IsPrimaryDatabase));
    }

    [Fact]
    public void FirstRecord_OfMembersThatWereGuardedBefore_IsAboveWhatTheyKnow()
    {
        var group = Group([Region("eu"), Region("us")], Pod("eu", Fenced(7)), Pod("us", Fenced(2)));
        Assert.Equal(8, VoterChange.FindFirst(group, Reads(("eu", Map()), ("us", Map()))).Record!.Epoch);
    }

    [Fact]
    public void Requests_CountInTheirEpochOnly()
    {
        var group = Group([Region("eu"), Region("us", annotation: (Labels.Promote, "us@4"))]);
        Assert.Equal("us", View(group, Record).Requested);
        Assert.Null(View(group, Record with { Epoch = 5 }).Requested);
        Assert.Null(View(Group([Region("eu"), Region("us", isReady: false, annotation: (Labels.Promote, "us@4"))]), Record).Requested);

        var forced = Group([Region("eu"), Region("us", annotation: (Labels.ForcePrimary, "us@4"))]);
        Assert.Equal("us", View(forced, Record).Forced);
        // It goes on to count for the move that it began.
        Assert.Equal("us", View(forced, Fencing).Forced);
        Assert.Null(View(forced, Fencing with { Region = "ap" }).Forced);
        Assert.Null(View(forced, Fencing with { Phase = TopologyPhase.Promoting }).Forced);
    }

    [Fact]
    public void Lag_IsWhatTheLeaderLacksOfTheLogAsItWasLastKnown()
    {
        var group = Group([Region("eu"), Region("us")]) with
        {
            Leaders = new Dictionary<string, PatroniMember>
            {
                ["us"] = new()
                {
                    Position = new PatroniPosition { Received = 90, Replayed = 80 },
                },
            },
        };
        var memory = FailoverMemory.None with { Known = new ChosenRecord(Ballot.Zero, Record) };
        Assert.Null(group.View(memory, default, default).Regions["us"].LagBytes);
        var us = group.View(memory with { LogEnd = 100 }, default, default).Regions["us"];
        Assert.Equal((10L, 80ul, 10L), (us.LagBytes, us.Replayed, us.ReplayBytes));
        Assert.Null(group.View(memory with { LogEnd = 100 }, default, default).Regions["eu"].LagBytes);
    }

    // The operator may be lost together with the region, and the next one has not seen its log.
    [Fact]
    public void Lag_OfALostRegion_IsKnownToAnOperatorThatStarts()
    {
        var group = Group([Region("eu"), Region("us")]);
        var memory = FailoverMemory.None with { Known = new ChosenRecord(Ballot.Zero, Record), LogEnd = (3L << 20) + 1 };

        Assert.Null(FailoverMemory.At(group).LogEnd);
        foreach (var region in group.Members)
            region.Status = region.Status! with
            {
                Failover = FailoverStatusRules.Build(group with { Region = region }, memory, Reads(), null, null, default).Status,
            };

        // One region has it, so that nobody writes the others' objects for it.
        Assert.Equal([4L << 20, null], group.Members.Select(region => region.Status!.Failover!.LogEnd));
        Assert.Equal(4L << 20, FailoverMemory.At(group).LogEnd);
    }

    [Fact]
    public void Health_IsWhatTheRoleAsksFor()
    {
        var eu = Region("eu");
        Assert.True(ObservedGroup.IsHealthy(eu, isWriter: true));
        eu.Status = eu.Status! with
        {
            Postgres = new PostgresStatus { SystemIdentifier = "1", StandbyLeader = "eu-postgres-0" },
        };
        Assert.False(ObservedGroup.IsHealthy(eu, isWriter: true));
        Assert.True(ObservedGroup.IsHealthy(eu, isWriter: false));
        eu.Status = eu.Status with { App = new AppStatus { ReadyReplicas = 0 } };
        Assert.False(ObservedGroup.IsHealthy(eu, isWriter: false));
    }

    [Fact]
    public void Probes_ThatFollowEachOtherFaster_CountOnce()
    {
        var history = ProbeHistory.None;
        for (var millis = 0; millis < 9_000; millis += 300)
            history = history.Add(false, TimeSpan.FromMilliseconds(millis));
        Assert.Equal((Verdict.Unknown, null), (history.History.Verdict, history.BadSince));
        history = history.Add(false, TimeSpan.FromSeconds(10)).Add(false, TimeSpan.FromSeconds(15));
        Assert.Equal((Verdict.Bad, TimeSpan.FromSeconds(10)), (history.History.Verdict, history.BadSince));
    }

    [Fact]
    public void Probes_AreGoodSinceTheFirstOneAfterTheLastFailure()
    {
        var history = ProbeHistory.None.Add(true, TimeSpan.FromSeconds(5)).Add(true, TimeSpan.FromSeconds(10));
        Assert.Equal((Verdict.Good, TimeSpan.FromSeconds(5)), (history.History.Verdict, history.GoodSince));
        history = history.Add(false, TimeSpan.FromSeconds(15));
        Assert.Equal((Verdict.Good, null), (history.History.Verdict, history.GoodSince));
        Assert.Equal(TimeSpan.FromSeconds(20), history.Add(true, TimeSpan.FromSeconds(20)).GoodSince);
    }

    [Fact]
    public void FirstRecord_NeedsAPrimaryAllVotesAndAllGuards()
    {
        var regions = new[] { Region("eu"), Region("us") };
        var pods = new[] { Pod("eu", Writable(0, lease: false)), Pod("us", Writable(0, lease: false)) };
        var reads = Reads(("eu", Map()), ("us", Map()));
        var (first, waits) = VoterChange.FindFirst(Group(regions, pods), reads);
        Assert.Equal(
            new TopologyRecord
            {
                Epoch = 3,
                Phase = TopologyPhase.Stable,
                Region = "eu",
                Voters = Voters.Of(["eu", "us"]),
                Reason = "first",
            },
            first
        );
        Assert.Null(waits);

        Assert.Contains("older image", VoterChange.FindFirst(Group(regions, pods[0], Pod("us", null)), reads).Waits!.Message, StringComparison.Ordinal);
        Assert.Contains("no object", VoterChange.FindFirst(Group(regions, pods), Reads(("eu", Map()), ("us", null))).Waits!.Message, StringComparison.Ordinal);
        foreach (var region in regions)
            region.Status = region.Status! with { Topology = null };
        Assert.Contains("no primary", VoterChange.FindFirst(Group(regions, pods), reads).Waits!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Voters_LeaveWithTheirRegionsAndVotes_AndNotWithTheirTrust()
    {
        var all = Group([Region("ap"), Region("eu"), Region("us")]);
        var reads = Reads(("ap", Map()), ("eu", Map()), ("us", Map()));
        Assert.Null(VoterChange.Of(all, Record, reads));
        Assert.Null(VoterChange.Of(all with { Members = [all.Members[1]] }, Record, reads));

        var two = Group([Region("eu"), Region("us")]);
        // Its vote is still there: the garbage collector has not come yet, or somebody keeps it.
        Assert.Null(VoterChange.Of(two, Record, reads));
        var gone = Reads(("ap", null), ("eu", Map()), ("us", Map()));
        Assert.Equal(new Voters(["ap", "eu", "us"], ["eu", "us"]), VoterChange.Of(two, Record, gone)!.Voters);
        Assert.Null(VoterChange.Of(two, Fencing, gone));
        Assert.Equal(
            new Voters(["eu"], ["eu", "us"]),
            VoterChange.Of(two, Record with { Voters = Voters.Of(["eu"]) }, Reads(("eu", Map()), ("us", Map())))!.Voters
        );

        Assert.False(VoterChange.IsLast(two, Record, gone));
        var one = Group([Region("us")]);
        Assert.True(VoterChange.IsLast(one, Record, Reads(("ap", null), ("eu", null), ("us", Map()))));
        Assert.False(VoterChange.IsLast(one, Record, Reads(("ap", null), ("eu", Map()), ("us", Map()))));
        // One that cannot be asked is not gone.
        var away = Reads(("ap", null), ("us", Map()));
        away["eu"] = new VoterRead(null, null, "it does not answer");
        Assert.False(VoterChange.IsLast(one, Record, away));
        Assert.Equal((5L, "us"), (VoterChange.OfLast(one, Record).Epoch, VoterChange.OfLast(one, Record).Region));
        Assert.Equal(4L, VoterChange.OfLast(Group([Region("eu")]), Record).Epoch);
    }

    [Theory]
    [InlineData(FailoverPhase.Stable, RegionRole.Standby, RegionRole.Primary, "us@5")]
    [InlineData(FailoverPhase.Promoting, RegionRole.Standby, RegionRole.Primary, "us@5")]
    [InlineData(FailoverPhase.Fencing, RegionRole.Fenced, RegionRole.Standby, "eu@3")]
    public void Role_FollowsWhatWasAgreedOn(string phase, string eu, string us, string topology)
    {
        var regions = new[] { Region("eu"), Region("us") };
        foreach (var region in regions)
            region.Status = region.Status! with
            {
                Failover = new FailoverStatus
                {
                    Epoch = 5,
                    Phase = phase,
                    Region = "us",
                    Former = "eu",
                },
            };
        var roles = regions.Select(region => PrimaryRole.Of(region, regions, DateTimeOffset.UnixEpoch)).ToList();

        Assert.Equal([eu, us], roles.Select(role => role.Role));
        Assert.All(roles, role => Assert.Equal(topology, $"{role.Topology!.PrimaryRegion}@{role.Topology.Epoch}"));
        Assert.Equal(phase == FailoverPhase.Fencing, roles[1].IsNext);
    }

    // The schema admits them.
    [Theory]
    [InlineData("9999999999E", long.MaxValue)]
    [InlineData("99999999999999999999", long.MaxValue)]
    [InlineData("0", 0)]
    public void MaxLag_OfAnySize_StopsNothing(string value, long expected)
    {
        var eu = Region("eu");
        eu.Spec = eu.Spec with { Failover = new FailoverSpec { MaxLag = new ResourceQuantity(value) } };
        Assert.Equal(expected, View(Group([eu, Region("us")]), Record).Settings.MaxLagBytes);
    }

    private static GroupView View(ObservedGroup group, TopologyRecord record) =>
        group.View(FailoverMemory.None with { Known = new ChosenRecord(Ballot.Zero, record) }, default, default);

    private static RegionView ViewOf(ObservedGroup group, string region, TopologyRecord? record = null) => View(group, record ?? Record).Regions[region];

    private static ObservedGroup Group(V1Alpha1ShortenerRegion[] regions, params (string Region, V1Pod Pod)[] pods) =>
        new()
        {
            Region = regions[0],
            All = regions.ToDictionary(region => region.Spec.Region),
            Members = regions,
            Pods = pods.GroupBy(pod => pod.Region).ToDictionary(pod => pod.Key, pod => (IReadOnlyList<V1Pod>)[.. pod.Select(one => one.Pod)]),
            Places = regions.ToDictionary(region => region.Spec.Region, VoterPlace.Of),
        };

    private static (string Region, V1Pod Pod) Pod(string region, string? report) =>
        (
            region,
            new V1Pod { Metadata = new V1ObjectMeta { Annotations = report is null ? null : new Dictionary<string, string> { [Labels.WriteGuard] = report } } }
        );

    private static string Fenced(long epoch, string? at = null) =>
        $$"""{"epoch":{{epoch}},"lease":true,"writable":false{{(at is null ? "" : $",\"fencedAt\":\"{at}\"")}}}""";

    private static string Writable(long epoch, bool lease = true) => $$"""{"epoch":{{epoch}},"lease":{{(lease ? "true" : "false")}},"writable":true}""";

    private static V1ConfigMap Map() => new() { Metadata = new V1ObjectMeta() };

    private static Dictionary<string, VoterRead> Reads(params (string Name, V1ConfigMap? Map)[] maps) =>
        maps.ToDictionary(map => map.Name, map => new VoterRead(null, map.Map, null));

    private static V1Alpha1ShortenerRegion Region(
        string name,
        string mode = FailoverMode.Manual,
        bool isReady = true,
        (string Name, string Value)? annotation = null
    ) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = "shop",
                Uid = name,
                Annotations = annotation is { } one ? new Dictionary<string, string> { [one.Name] = one.Value } : null,
            },
            Spec = SpecJson.MinimalRegion() with
            {
                Region = name,
                Connections = new ConnectionsSpec(),
                Failover = new FailoverSpec { Mode = mode },
                Postgres = new PostgresSpec { Image = "registry.example/postgres:17" },
            },
            Status = new RegionStatus
            {
                FirstReadyTime = isReady ? DateTime.UnixEpoch : null,
                App = new AppStatus { ReadyReplicas = 1 },
                Topology = new TopologyStatus
                {
                    PrimaryRegion = "eu",
                    Epoch = 3,
                    Message = "first",
                },
                Postgres = new PostgresStatus { SystemIdentifier = "1", Primary = $"{name}-postgres-0" },
            },
        };
}
