using System.Globalization;
using System.Text.Json.Nodes;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Traffic;

/// <summary>Builds the objects that send visitors to regions. Pure.</summary>
internal static class TrafficResources
{
    /// <summary>Last part of the name of the DNS records.</summary>
    public const string DnsSuffix = "dns";

    /// <summary>Last part of the name of the route.</summary>
    public const string RouteSuffix = "route";

    // Route 53 takes weights from 0 to 255.
    private const int AwsMaxWeight = 255;
    private const int MaxWeight = 1_000;

    // Limit of the Gateway API.
    private const int MaxBackends = 16;

    /// <summary>The DNS records of a region, or of its group if it writes for all; null: there is nothing to publish.</summary>
    /// <param name="region">The region.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="live">The records that are published; null: none. Those of a name without a known target stay.</param>
    public static V1Alpha1DnsEndpoint? BuildDnsEndpoint(V1Alpha1ShortenerRegion region, TrafficPlan plan, V1Alpha1DnsEndpoint? live)
    {
        var endpoints = plan
            .Names.SelectMany(name => EndpointsOf(name, plan) is { Count: > 0 } built ? built : KeptOf(name.Hostname, live))
            .ToArray<JsonNode?>();
        return endpoints.Length == 0
            ? null
            : new V1Alpha1DnsEndpoint
            {
                Metadata = Owned.Metadata(region, DnsSuffix, Names.Traffic),
                Spec = new JsonObject { ["endpoints"] = new JsonArray(endpoints) },
            };
    }

    /// <summary>The route of a region; null: there is nothing to publish. A route without host names would match all of them.</summary>
    /// <param name="region">The region.</param>
    /// <param name="plan">The plan.</param>
    public static V1HttpRoute? BuildRoute(V1Alpha1ShortenerRegion region, TrafficPlan plan)
    {
        if (plan.RouteNames.Count == 0 || plan.RouteSet.Weights.Count == 0 || region.Spec.Traffic.GatewayRef is not { } gateway)
            return null;
        var parent = new JsonObject
        {
            ["group"] = V1HttpRoute.ApiGroupName,
            ["kind"] = "Gateway",
            ["name"] = gateway.Name,
            ["namespace"] = gateway.Namespace ?? region.Metadata.NamespaceProperty,
        };
        if (gateway.SectionName is { } section)
            parent["sectionName"] = section;
        var backends = plan
            .Members.Where(member => plan.RouteSet.WeightOf(member.Name) > 0)
            .OrderByDescending(member => plan.RouteSet.WeightOf(member.Name))
            .Take(MaxBackends)
            .OrderBy(member => member.Name, StringComparer.Ordinal)
            .Select(member => BackendOf(member, plan.RouteSet.WeightOf(member.Name)))
            .ToArray<JsonNode?>();
        return new V1HttpRoute
        {
            Metadata = Owned.Metadata(region, RouteSuffix, Names.Traffic),
            Spec = new JsonObject
            {
                ["hostnames"] = new JsonArray([.. plan.RouteNames.Select(name => (JsonNode?)name)]),
                ["parentRefs"] = new JsonArray(parent),
                ["rules"] = new JsonArray(
                    new JsonObject
                    {
                        ["backendRefs"] = new JsonArray(backends),
                        ["matches"] = new JsonArray(
                            new JsonObject
                            {
                                ["path"] = new JsonObject { ["type"] = "PathPrefix", ["value"] = "/" },
                            }
                        ),
                    }
                ),
            },
        };
    }

    /// <summary>The weight of a record of Route 53 for a weight of a region. A region with a small weight keeps some.</summary>
    public static int AwsWeightOf(int weight) => weight == 0 ? 0 : Math.Max(1, (weight * AwsMaxWeight + MaxWeight / 2) / MaxWeight);

    /// <summary>The targets that DNS has for a name of the plan.</summary>
    public static IReadOnlyList<string> TargetsOf(NamePlan name, TrafficPlan plan)
    {
        if (name.Set.Weights.Count == 0)
            return [];
        var members = plan.Members.Where(member => name.Set.WeightOf(member.Name) > 0).ToList();
        return members.Any(member => member.HasAddresses)
            ? TrafficMember.Normalize(members.SelectMany(member => member.Targets))
            : members.Single(member => member.Name == TrafficPlan.FirstOf(name.Set)).Targets;
    }

    private static List<JsonNode> EndpointsOf(NamePlan name, TrafficPlan plan)
    {
        if (plan.Writer is not null)
            return
            [
                .. Split(TargetsOf(name, plan))
                    .Select(record =>
                        EndpointOf(name.Hostname, record.Type, record.Targets, TtlOf(plan.Members.Where(member => name.Set.WeightOf(member.Name) > 0)))
                    ),
            ];
        // A record of a region without visitors stays, with the weight 0: Route 53 gives all of them the same share if none has a weight.
        if (name.Set.Weights.Count == 0 || plan.Self is not { Targets.Count: > 0 } self || plan.Difference is not null)
            return [];
        return
        [
            .. Split(self.Targets)
                .Select(record =>
                {
                    var endpoint = EndpointOf(name.Hostname, record.Type, record.Targets, self.Spec.TtlSeconds);
                    endpoint["setIdentifier"] = self.Name;
                    endpoint["providerSpecific"] = new JsonArray(
                        new JsonObject { ["name"] = "aws/weight", ["value"] = AwsWeightOf(name.Set.WeightOf(self.Name)).ToString(CultureInfo.InvariantCulture) }
                    );
                    return endpoint;
                }),
        ];
    }

    private static IEnumerable<(string Type, IReadOnlyList<string> Targets)> Split(IReadOnlyList<string> targets) =>
        targets
            .GroupBy(TypeOf, StringComparer.Ordinal)
            .OrderBy(record => record.Key, StringComparer.Ordinal)
            .Select(record => (record.Key, (IReadOnlyList<string>)[.. record]));

    private static string TypeOf(string target) =>
        TargetText.FindAddress(target) is not { } address ? "CNAME"
        : address.Contains(':', StringComparison.Ordinal) ? "AAAA"
        : "A";

    private static int TtlOf(IEnumerable<TrafficMember> members) => members.Min(member => member.Spec.TtlSeconds);

    private static JsonObject EndpointOf(string hostname, string type, IEnumerable<string> targets, int seconds) =>
        new()
        {
            ["dnsName"] = hostname,
            ["recordTTL"] = seconds,
            ["recordType"] = type,
            ["targets"] = new JsonArray([.. targets.Select(target => (JsonNode?)target)]),
        };

    private static IEnumerable<JsonNode> KeptOf(string hostname, V1Alpha1DnsEndpoint? live) =>
        live?.Spec?["endpoints"] is JsonArray endpoints
            ? endpoints.OfType<JsonObject>().Where(endpoint => (string?)endpoint["dnsName"] == hostname).Select(endpoint => endpoint.DeepClone())
            : [];

    private static JsonObject BackendOf(TrafficMember member, int weight) =>
        new()
        {
            ["group"] = "",
            ["kind"] = "Service",
            ["name"] = Apply.Names.Of(member.Region.Metadata.Name, Names.App),
            ["namespace"] = member.Region.Metadata.NamespaceProperty,
            ["port"] = member.Region.Spec.App.Service.Port,
            ["weight"] = weight,
        };
}
