using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Traffic;
using Xunit;
using static UrlShortener.Operator.Tests.Traffic.TrafficSamples;

namespace UrlShortener.Operator.Tests.Traffic;

public sealed class TrafficStatusRulesTests
{
    [Fact]
    public void Condition_KindNotServed_IsNoBackend()
    {
        V1Alpha1ShortenerRegion[] group = [Region("a")];
        Assert.Equal(("False", Reasons.NoBackend), Condition(group, Observed(group) with { ServesDns = false }));
        group = [Region("a", OnGateway)];
        Assert.Equal(("False", Reasons.NoBackend), Condition(group, Observed(group) with { ServesRoutes = false }));
    }

    [Theory]
    [InlineData(1L, "True", Reasons.AsExpected)]
    [InlineData(0L, "Unknown", Reasons.NotConfirmed)]
    public void Condition_OfDns_WaitsForExternalDns(long seen, string status, string reason)
    {
        V1Alpha1ShortenerRegion[] group = [Region("a"), Region("b")];
        var dns = new V1Alpha1DnsEndpoint
        {
            Metadata = new V1ObjectMeta
            {
                Name = "a-dns",
                NamespaceProperty = "links",
                Generation = 1,
            },
            Status = new JsonObject { ["observedGeneration"] = seen },
        };
        Assert.Equal((status, reason), Condition(group, Observed(group) with { GroupDns = dns }));
    }

    [Theory]
    [InlineData(59, "Unknown")]
    [InlineData(60, "False")]
    public void Condition_NotConfirmedForLong_IsFalse(int seconds, string status)
    {
        V1Alpha1ShortenerRegion[] group = [Region("a")];
        var former = new V1Condition
        {
            Type = ConditionTypes.TrafficPublished,
            Status = "Unknown",
            Reason = Reasons.NotConfirmed,
            LastTransitionTime = Noon.UtcDateTime.AddSeconds(-seconds),
        };
        group[0] = group[0].WithStatus(group[0].Status! with { Conditions = [former] });
        Assert.Equal((status, Reasons.NotConfirmed), Condition(group, Observed(group)));
    }

    [Theory]
    [InlineData("True", "True", "True", Reasons.AsExpected)]
    [InlineData("False", "True", "False", Reasons.RouteNotAccepted)]
    [InlineData("True", "False", "False", Reasons.RefsNotResolved)]
    [InlineData("True", null, "Unknown", Reasons.NotConfirmed)]
    public void Condition_OfARoute_IsWhatTheGatewaySays(string accepted, string? resolved, string status, string reason)
    {
        V1Alpha1ShortenerRegion[] group = [Region("a", OnGateway)];
        var conditions = new JsonArray(ConditionOf("Accepted", accepted));
        if (resolved is not null)
            conditions.Add(ConditionOf("ResolvedRefs", resolved));
        var route = new V1HttpRoute
        {
            Metadata = new V1ObjectMeta { Generation = 3 },
            Status = new JsonObject
            {
                ["parents"] = new JsonArray(
                    new JsonObject
                    {
                        ["parentRef"] = new JsonObject { ["name"] = "public" },
                        ["conditions"] = conditions,
                    }
                ),
            },
        };
        Assert.Equal((status, reason), Condition(group, Observed(group) with { Route = route }));
    }

    [Fact]
    public void Condition_OfAnUnreadableStatus_IsNotConfirmed()
    {
        V1Alpha1ShortenerRegion[] group = [Region("a")];
        var dns = new V1Alpha1DnsEndpoint
        {
            Metadata = new V1ObjectMeta { Generation = 1 },
            Status = new JsonObject { ["observedGeneration"] = "one" },
        };
        Assert.Equal(("Unknown", Reasons.NotConfirmed), Condition(group, Observed(group) with { GroupDns = dns }));
    }

    [Fact]
    public void Condition_OfWhatKeepsARegionOut_NamesIt()
    {
        V1Alpha1ShortenerRegion[] down = [Region("a", serves: false)];
        Assert.Equal(("False", Reasons.Panic), Condition(down, Observed(down)));
        V1Alpha1ShortenerRegion[] young = [Region("a", serves: null)];
        Assert.Equal(("Unknown", Reasons.NotServing), Condition(young, Observed(young)));
        V1Alpha1ShortenerRegion[] homeless = [Region("a", spec => spec with { Targets = null }), Region("b")];
        Assert.Equal(("False", Reasons.NoTargets), Condition(homeless, Observed(homeless)));
        V1Alpha1ShortenerRegion[] second = [Region("a", age: 2, holds: false)];
        Assert.Equal(("False", Reasons.HostnameConflict), Condition(second, Observed(second, [Region("z", group: "other")])));
        V1Alpha1ShortenerRegion[] unlike = [Region("b", spec => spec with { Targets = ["lb.example.com"] }), Region("a")];
        Assert.Equal(("False", Reasons.TargetsDiffer), Condition(unlike, Observed(unlike)));
    }

    private static JsonObject ConditionOf(string type, string status) =>
        new()
        {
            ["type"] = type,
            ["status"] = status,
            ["reason"] = status == "True" ? type : "RefNotPermitted",
            ["message"] = "",
            ["observedGeneration"] = 3L,
        };

    private static TrafficSpec OnGateway(TrafficSpec spec) =>
        spec with
        {
            Mode = TrafficMode.GatewayAPI,
            GatewayRef = new GatewayRef { Name = "public" },
        };

    private static (string, string) Condition(V1Alpha1ShortenerRegion[] group, ObservedTraffic observed)
    {
        var conditions = TrafficStatusRules.Build(group[0], observed, TrafficPlan.Of(group[0], observed, Noon), null, new TrafficTiming(), Noon);
        var condition = Assert.Single(conditions.Conditions);
        return (condition.Status, condition.Reason);
    }
}
