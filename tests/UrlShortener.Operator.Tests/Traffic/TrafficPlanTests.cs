using System.Text.Json.Nodes;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Traffic;
using Xunit;
using static UrlShortener.Operator.Tests.Traffic.TrafficSamples;

namespace UrlShortener.Operator.Tests.Traffic;

public sealed class TrafficPlanTests
{
    [Fact]
    public void Dns_OfAGroup_IsWrittenByTheFirstRegionAndHasAllThatServe()
    {
        V1Alpha1ShortenerRegion[] group =
        [
            Region("us", spec => spec with { Targets = ["192.0.2.2"], TtlSeconds = 10 }),
            Region("eu", spec => spec with { Targets = ["2001:db8:0::1", "192.0.2.1"] }),
            Region("jp", spec => spec with { Targets = ["192.0.2.3"] }, serves: false),
        ];

        Assert.Null(DnsOf(group, 0));
        Assert.Equal(
            """[{"dnsName":"sho.rt","recordTTL":10,"recordType":"A","targets":["192.0.2.1","192.0.2.2"]},"""
                + """{"dnsName":"sho.rt","recordTTL":10,"recordType":"AAAA","targets":["2001:db8::1"]}]""",
            DnsOf(group, 1)
        );
        Assert.Null(DnsOf(group, 2));
    }

    [Fact]
    public void Set_RegionThatIsDrainedOrDeletedOrDown_LeavesAndOthersStay()
    {
        var deleted = Region("c");
        deleted.Metadata.DeletionTimestamp = new DateTime(2030, 2, 1, 0, 0, 0, DateTimeKind.Utc);
        var drained = Region("e");
        drained.Spec = drained.Spec with { Drain = true };
        V1Alpha1ShortenerRegion[] group = [Region("a", spec => spec with { Weight = 0 }), Region("b", serves: false), deleted, Region("d"), drained];

        var set = Assert.Single(Plan(group, 3).OwnSets);

        Assert.Equal(["d"], set.Weights.Keys);
        Assert.False(set.IsPanic);
        Assert.Equal(0, Plan(group, 0).Status!.EffectiveWeight);
        Assert.Equal(100, Plan(group, 3).Status!.EffectiveWeight);
    }

    [Fact]
    public void Set_IfAllLeave_KeepsTheLastGoodOne()
    {
        V1Alpha1ShortenerRegion[] group = [Region("a", serves: false, weight: 0), Region("b", serves: false, weight: 70)];

        var plan = Plan(group, 1);

        Assert.True(plan.IsPanic);
        Assert.Equal(70, Assert.Single(plan.OwnSets).WeightOf("b"));
        Assert.Equal(70, plan.Status!.EffectiveWeight);
        Assert.Equal(0, Plan(group, 0).Status!.EffectiveWeight);
    }

    [Fact]
    public void Set_IfAllHaveLeftAtTheSameMoment_HasAllOfThem()
    {
        V1Alpha1ShortenerRegion[] group = [Region("a", serves: false), Region("b", spec => spec with { Weight = 0 }, serves: false), Region("c", serves: null)];

        var set = Assert.Single(Plan(group).OwnSets);

        Assert.True(set.IsPanic);
        Assert.Equal(["a", "b"], set.Weights.Keys.Order());
        Assert.All(set.Weights.Values, weight => Assert.True(weight > 0));
    }

    [Fact]
    public void Set_BeforeARegionHasServed_IsNotPublished()
    {
        V1Alpha1ShortenerRegion[] group = [Region("a", serves: null), Region("b", serves: null)];

        Assert.True(Plan(group).IsWaiting);
        Assert.False(Plan(group).IsPanic);
        Assert.Null(DnsOf(group, 0));
    }

    // After a restore of the objects the statuses may be gone while the records are published.
    [Fact]
    public void Dns_WithoutAKnownTarget_KeepsTheRecordsThatArePublished()
    {
        V1Alpha1ShortenerRegion[] group = [Region("a"), Region("b")];
        var live = TrafficResources.BuildDnsEndpoint(group[0], Plan(group), null);
        V1Alpha1ShortenerRegion[] after = [Region("a", serves: null), Region("b", serves: null)];

        var kept = TrafficResources.BuildDnsEndpoint(after[0], Plan(after), live);

        Assert.True(JsonNode.DeepEquals(live!.Spec, kept!.Spec));
    }

    // Every sequence of what may happen to three regions, each of which sees the statuses of the others as they were one or two steps ago.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Set_InAnyHistory_IsNeverEmptyOnceARegionServed(int seed)
    {
        var dice = new Dice(seed);
        V1Alpha1ShortenerRegion[] group = [Region("a"), Region("b"), Region("c")];
        var former = group;
        V1Alpha1DnsEndpoint? live = null;
        for (var step = 0; step < 2_000; step++)
        {
            var index = dice.Next(group.Length);
            var (self, weight) = (group[index], dice.Next(4) == 0 ? 0 : 100);
            var serves = dice.Next(2) == 0;
            var seen = (dice.Next(2) == 0 ? former : group).ToArray();
            var now = Region(self.Metadata.Name, spec => spec with { Weight = weight }, serves, self.Status!.Traffic!.EffectiveWeight);
            seen[index] = now;
            var plan = TrafficPlan.Of(now, Observed(seen), Noon);
            former = group;
            group = [.. group];
            group[index] = now.WithStatus(now.Status! with { Traffic = plan.Status });

            Assert.All(plan.OwnSets, set => Assert.NotEmpty(set.Weights));
            if (plan.Names.Count > 0)
                live = TrafficResources.BuildDnsEndpoint(now, plan, live);
            if (live is not null)
                Assert.All(live.Spec!["endpoints"]!.AsArray(), endpoint => Assert.NotEmpty(endpoint!["targets"]!.AsArray()));
        }

        Assert.NotNull(live);
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1, "1")]
    [InlineData(100, "26")]
    [InlineData(1000, "255")]
    public void Dns_OfAws_IsOneObjectForEachRegionWithItsWeight(int weight, string aws)
    {
        V1Alpha1ShortenerRegion[] group =
        [
            Region("a", spec => spec with { Provider = DnsProvider.AWS }),
            Region("b", spec => spec with { Provider = DnsProvider.AWS, Weight = weight, Targets = ["lb.b.example"] }),
        ];
        // The other region has addresses: then this one is left out, so both have host names.
        group[0] = Region("a", spec => spec with { Provider = DnsProvider.AWS, Targets = ["lb.a.example"] });

        Assert.Equal(
            """[{"dnsName":"sho.rt","recordTTL":30,"recordType":"CNAME","targets":["lb.b.example"],"setIdentifier":"b","providerSpecific":"""
                + $$"""[{"name":"aws/weight","value":"{{aws}}"}]}]""",
            DnsOf(group, 1)
        );
        Assert.NotNull(DnsOf(group, 0));
    }

    [Fact]
    public void Dns_HostNamesAsTargets_HasThatOfTheHeaviestRegion()
    {
        V1Alpha1ShortenerRegion[] group =
        [
            Region("a", spec => spec with { Targets = ["lb.a.example"] }),
            Region("b", spec => spec with { Targets = ["lb.b.example"], Weight = 200 }),
        ];

        Assert.Equal("""[{"dnsName":"sho.rt","recordTTL":30,"recordType":"CNAME","targets":["lb.b.example"]}]""", DnsOf(group, 0));
    }

    [Fact]
    public void Dns_HostNameBesideAddresses_IsLeftOutAndTold()
    {
        V1Alpha1ShortenerRegion[] group = [Region("a"), Region("b", spec => spec with { Targets = ["lb.b.example"] })];

        Assert.DoesNotContain("CNAME", DnsOf(group, 0), StringComparison.Ordinal);
        Assert.NotNull(Plan(group, 1).Difference);
        Assert.Null(Plan(group, 0).Difference);
    }

    [Fact]
    public void Dns_AnotherProvider_IsLeftOutAndTold()
    {
        V1Alpha1ShortenerRegion[] group = [Region("a"), Region("b", spec => spec with { Provider = DnsProvider.AWS })];

        Assert.Null(DnsOf(group, 1));
        Assert.NotNull(Plan(group, 1).Difference);
        Assert.Equal(["a"], Assert.Single(Plan(group, 0).OwnSets).Weights.Keys);
    }

    [Fact]
    public void Hostname_OfTwoGroups_IsThatOfTheOlderOne()
    {
        V1Alpha1ShortenerRegion[] group = [Region("a", age: 2, holds: false), Region("b", age: 5, holds: false)];
        V1Alpha1ShortenerRegion[] older = [Region("z", group: "other", age: 1, holds: false)];
        V1Alpha1ShortenerRegion[] younger = [Region("z", group: "other", age: 3, holds: false)];

        Assert.Equal("other-z", Assert.Single(Plan(group, 0, older).Conflicts).Holder.Metadata.Uid);
        Assert.Null(DnsOf(group, 0, older));
        Assert.Null(Plan(group, 0, older).Status!.Hostnames);
        Assert.Empty(Plan(group, 0, younger).Conflicts);
    }

    [Fact]
    public void Hostname_ThatAGroupPublishes_StaysThereWhenItsOldestRegionGoes()
    {
        V1Alpha1ShortenerRegion[] group = [Region("b", age: 5)];
        V1Alpha1ShortenerRegion[] other = [Region("z", group: "other", age: 3, holds: false)];

        Assert.Empty(Plan(group, 0, other).Conflicts);
        Assert.Single(Plan(other, 0, group).Conflicts);
    }

    // Groups have a default name.
    [Fact]
    public void Region_OfAnotherNamespace_SharesVisitorsOnlyIfBothSayWhomTheyTrust()
    {
        var (one, other) = (TrafficSamples.Region("eu"), TrafficSamples.Region("us"));
        Assert.True(TrafficMember.AreTogether(one, other));
        other.Metadata.NamespaceProperty = "stranger";
        Assert.False(TrafficMember.AreTogether(one, other));
        Assert.Equal(one, HostnameClaims.FindOther("sho.rt", other, [one, other]));
        one.Spec = one.Spec with { Postgres = new PostgresSpec { TrustedNamespaces = ["stranger"] } };
        Assert.False(TrafficMember.AreTogether(one, other));
        other.Spec = other.Spec with { Postgres = new PostgresSpec { TrustedNamespaces = [one.Metadata.NamespaceProperty] } };
        Assert.True(TrafficMember.AreTogether(one, other));
        Assert.True(TrafficMember.AreTogether(other, one));
    }

    [Fact]
    public void Route_OfARegion_HasTheServicesOfAllThatServe()
    {
        V1Alpha1ShortenerRegion[] group =
        [
            Region("eu", OnGateway),
            Region("us", spec => OnGateway(spec) with { Weight = 300 }),
            Region("jp", OnGateway, serves: false),
            Region("none"),
        ];
        group[1].Metadata.NamespaceProperty = "links-us";

        var route = TrafficResources.BuildRoute(group[0], Plan(group))!;

        Assert.Equal("eu-route", route.Metadata.Name);
        Assert.Equal("""["sho.rt"]""", route.Spec!["hostnames"]!.ToJsonString());
        Assert.Equal(
            """[{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"public","namespace":"edge","sectionName":"https"}]""",
            route.Spec["parentRefs"]!.ToJsonString()
        );
        Assert.Equal(
            """[{"group":"","kind":"Service","name":"eu-app","namespace":"links","port":80,"weight":100},"""
                + """{"group":"","kind":"Service","name":"us-app","namespace":"links-us","port":80,"weight":300}]""",
            Assert.Single(route.Spec["rules"]!.AsArray())!["backendRefs"]!.ToJsonString()
        );
    }

    [Fact]
    public void Route_WithoutAHostName_IsNotWritten()
    {
        V1Alpha1ShortenerRegion[] group = [Region("a", OnGateway, age: 2, holds: false)];
        V1Alpha1ShortenerRegion[] older = [Region("z", OnGateway, group: "other", age: 1)];

        Assert.Null(TrafficResources.BuildRoute(group[0], Plan(group, 0, older)));
    }

    [Fact]
    public void Route_OfManyRegions_HasTheSixteenHeaviest()
    {
        V1Alpha1ShortenerRegion[] group =
        [
            .. Enumerable.Range(1, 40).Select(number => Region($"r{number:00}", spec => OnGateway(spec) with { Weight = number })),
        ];

        var backends = TrafficResources.BuildRoute(group[0], Plan(group))!.Spec!["rules"]![0]!["backendRefs"]!.AsArray();

        Assert.Equal(Enumerable.Range(25, 16), backends.Select(backend => (int)backend!["weight"]!));
    }

    [Fact]
    public void Looks_ThreeFailuresInARow_TakeARegionOutAndTwelveSuccessesBringItBack()
    {
        var timing = new TrafficTiming();
        var now = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var looks = TrafficLooks.Of(null);
        Assert.Null(Look(null, 5));
        Assert.True(Look("pod", 1));
        Assert.True(Look(null, 2));
        Assert.True(Look("pod", 1));
        Assert.True(Look(null, 2));
        Assert.False(Look(null, 1));
        Assert.False(Look("pod", 11));
        Assert.False(Look(null, 1));
        Assert.False(Look("pod", 11));
        Assert.True(Look("pod", 1));
        Assert.False(looks.IsDue(now + TimeSpan.FromSeconds(3), timing));
        Assert.True(looks.IsDue(now + TimeSpan.FromSeconds(5), timing));
        Assert.False(TrafficLooks.Of(Region("a", serves: false).Status!.Traffic).Serves);

        bool? Look(string? pod, int times)
        {
            for (var time = 0; time < times; time++)
                looks = looks.Add(pod, now, timing);
            return looks.Serves;
        }
    }

    private static TrafficSpec OnGateway(TrafficSpec spec) =>
        spec with
        {
            Mode = TrafficMode.GatewayAPI,
            GatewayRef = new GatewayRef
            {
                Name = "public",
                Namespace = "edge",
                SectionName = "https",
            },
        };

    private static string? DnsOf(V1Alpha1ShortenerRegion[] group, int index, V1Alpha1ShortenerRegion[]? others = null) =>
        TrafficResources.BuildDnsEndpoint(group[index], Plan(group, index, others), null)?.Spec!["endpoints"]!.ToJsonString();
}
