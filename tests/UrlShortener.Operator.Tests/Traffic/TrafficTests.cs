using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.Operator.Traffic;
using UrlShortener.TestHarness.Product;
using Xunit;

namespace UrlShortener.Operator.Tests.Traffic;

/// <summary>
/// Visitors of two regions, at an API server of its own, because the kinds come and go: from the death of the pods to the answer of a DNS server. Looks are
/// made each <c>TRAFFIC_INTERVAL</c> seconds; with 5, as the product does, the test writes how long the switch takes.
/// </summary>
public sealed class TrafficTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Name = "sho.rt";

    private const string EditedRoute = """
        {
          "spec": {
            "hostnames": ["edited.example"],
            "rules": [
              {
                "backendRefs": [
                  { "name": "eu-app", "port": 80, "weight": 100 },
                  { "name": "us-app", "port": 80, "weight": 300 },
                  { "name": "more", "port": 80 }
                ],
                "filters": [{ "type": "RequestHeaderModifier", "requestHeaderModifier": { "remove": ["host"] } }]
              }
            ]
          }
        }
        """;

    private readonly ApiServerFixture _apiServer = new();
    private readonly TestFolder _folder = new();
    private readonly DnsAuthority _authority = new();
    private RegionLab? _lab;
    private ExternalDns? _externalDns;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static TimeSpan Interval =>
        TimeSpan.FromSeconds(double.Parse(Environment.GetEnvironmentVariable("TRAFFIC_INTERVAL") ?? "0.5", CultureInfo.InvariantCulture));

    private RegionLab Lab => _lab!;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_externalDns is not null)
            await _externalDns.DisposeAsync();
        await _authority.DisposeAsync();
        if (_lab is not null)
            await _lab.DisposeAsync();
        await _apiServer.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    [Trait("Case", "C-03")]
    public async Task Visitors_OfTwoRegions_AreSentToThoseThatServe()
    {
        _lab = await RegionLab.StartWithFakePodsAsync(_apiServer, hasOperator: false, takes: _ => false);
        await using var eu = new CannedPod(RegionLab.HealthyAnswer());
        var us = new CannedPod(RegionLab.HealthyAnswer());
        await using var euNode = await Lab.StartKubeletAsync(IsOf("eu"), fakeAddress: eu.Address);
        await using var usNode = await Lab.StartKubeletAsync(IsOf("us"), fakeAddress: us.Address);
        await using var otherNode = await Lab.StartKubeletAsync(IsOf("zz"), fakeAddress: eu.Address);
        await Lab.StartOperatorAsync(services: services =>
            services.AddSingleton(new TrafficTiming { Interval = Interval, ConfirmationLimit = TimeSpan.FromHours(1) })
        );
        await Lab.Client.CreateAsync(Lab.Region("eu", Dns("192.0.2.1", "2001:db8::1")));
        await Lab.Client.CreateAsync(Lab.Region("us", Dns("192.0.2.2")));

        // Without the kind: the condition says so, and everything else goes on.
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "False", reason: Reasons.NoBackend);
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.Ready, "True", "us");

        // The kind appears. Nobody has confirmed the records before external-dns runs.
        var dnsFile = TrafficDefinitions.FindDns(_folder);
        await Lab.Cluster.RunKubectlAsync(["apply", "--server-side", "-f", dnsFile], Token);
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "Unknown", reason: Reasons.NotConfirmed);
        _externalDns = new ExternalDns(Lab, _authority);
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "True");
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "True", "us");
        await UntilResolvedAsync("192.0.2.1", "192.0.2.2");
        var ipv6 = await _authority.ResolveAsync(Name, AddressFamily.InterNetworkV6, Token);
        Assert.Equal([(IPAddress.Parse("2001:db8::1"), 30)], ipv6);
        Assert.Equal(["eu-dns"], await ListAsync("dnsendpoints"));

        // A reconcile that finds everything published writes nothing, and knows it.
        await Eventually.HoldsAsync(async () => Lab.Operator.Traffic.QuietVersionOf((await Lab.ReadAsync("us")).Metadata.Uid) is not null, "it is quiet");

        // Edits and a deletion by others.
        await Lab.Cluster.RunKubectlAsync(["delete", "dnsendpoint", "eu-dns", "--namespace", Lab.Namespace], Token);
        await UntilPublishedAsync("eu-dns", 3);
        await PatchAsync("dnsendpoint", "eu-dns", """{ "metadata": { "labels": null }, "spec": { "endpoints": [] } }""");
        await UntilPublishedAsync("eu-dns", 3);
        // With an identifier, some providers keep a second record beside the first.
        await PatchAsync(
            "dnsendpoint",
            "eu-dns",
            $$"""
            { "spec": { "endpoints": [
              { "dnsName": "{{Name}}", "recordType": "A", "recordTTL": 30, "setIdentifier": "x", "targets": ["192.0.2.1", "192.0.2.2"] },
              { "dnsName": "{{Name}}", "recordType": "AAAA", "recordTTL": 30, "setIdentifier": "x", "targets": ["2001:db8::1"] }] } }
            """
        );
        await UntilPublishedAsync("eu-dns", 3);
        await UntilResolvedAsync("192.0.2.1", "192.0.2.2");

        // The pods of a region end, though the cluster still counts them as ready, as those of a lost node.
        var death = Stopwatch.StartNew();
        await us.DisposeAsync();
        await UntilResolvedAsync("192.0.2.1");
        output.WriteLine(
            $"{death.Elapsed.TotalSeconds:0.0} s until the name no longer leads to the region; with the TTL {death.Elapsed.TotalSeconds + 30:0.0} s"
        );
        await UntilAsync("us", status => status is { Serves: false, EffectiveWeight: 0, DesiredWeight: 100 });
        await UntilEventAsync("TrafficLeft");
        await UntilAsync("eu", status => status is { SurgePods: > 0 });
        await UntilMinimumAsync(async floor => floor + ((await Lab.ReadAsync("eu")).Status!.Traffic!.SurgePods ?? 0));
        await using (us = new CannedPod(RegionLab.HealthyAnswer(), us.Address))
        {
            await UntilResolvedAsync("192.0.2.1", "192.0.2.2");
            await UntilAsync("us", status => status is { Serves: true, EffectiveWeight: 100 });
            await UntilMinimumAsync(Task.FromResult);

            // Drained.
            await Lab.PatchAsync("""{ "traffic": { "weight": 0 } }""", "us");
            await UntilResolvedAsync("192.0.2.1");
            await Lab.UntilAsync(ConditionTypes.TrafficPublished, "True", "us");
            await Lab.PatchAsync("""{ "traffic": { "weight": null } }""", "us");
            await UntilResolvedAsync("192.0.2.1", "192.0.2.2");
        }

        // All end.
        await UntilResolvedAsync("192.0.2.1");
        await eu.DisposeAsync();
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "False", reason: Reasons.Panic);
        await UntilEventAsync(Reasons.Panic);
        await UntilPublishedAsync("eu-dns", 2);
        await using var euAgain = new CannedPod(RegionLab.HealthyAnswer(), eu.Address);
        await using var usAgain = new CannedPod(RegionLab.HealthyAnswer(), us.Address);
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "True");
        await UntilResolvedAsync("192.0.2.1", "192.0.2.2");
        Assert.Equal(0, _externalDns.EmptyRecords);

        // Another group asks for the same name.
        await Lab.Client.CreateAsync(Lab.Region("zz", """{ "group": "other", "traffic": { "mode": "DNSEndpoint", "targets": ["192.0.2.9"] } }"""));
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "False", "zz", Reasons.HostnameConflict);
        Assert.Equal(["eu-dns"], await ListAsync("dnsendpoints"));
        await Lab.PatchAsync("""{ "traffic": { "hostnames": ["other.rt"] } }""", "zz");
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "True", "zz");
        Assert.Equal(["eu-dns", "zz-dns"], await ListAsync("dnsendpoints"));

        // The kind goes, and comes back.
        await Lab.Cluster.RunKubectlAsync(["delete", "customresourcedefinition", TrafficDefinitions.DnsName], Token);
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "False", reason: Reasons.NoBackend);
        await Lab.Cluster.RunKubectlAsync(["apply", "--server-side", "-f", dnsFile], Token);
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "True");
        await UntilPublishedAsync("eu-dns", 3);

        // A Gateway too.
        await Lab.PatchAsync("""{ "traffic": { "mode": "Both", "gatewayRef": { "name": "public" } } }""");
        await Lab.PatchAsync("""{ "traffic": { "mode": "Both", "gatewayRef": { "name": "public" }, "weight": 300 } }""", "us");
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "False", reason: Reasons.NoBackend);
        await Lab.Cluster.RunKubectlAsync(["apply", "--server-side", "-f", TrafficDefinitions.FindRoutes(_folder)], Token);
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "Unknown", reason: Reasons.NotConfirmed);
        await UntilBackendsAsync("eu-app=100", "us-app=300");
        await TellAsync("ResolvedRefs", "False", "RefNotPermitted");
        var refused = await Lab.UntilAsync(ConditionTypes.TrafficPublished, "False", reason: Reasons.RefsNotResolved);
        Assert.Contains("ReferenceGrant", refused.Message, StringComparison.Ordinal);
        await PatchAsync("httproute", "eu-route", EditedRoute);
        await UntilBackendsAsync("eu-app=100", "us-app=300");
        await TellAsync("ResolvedRefs", "True", "ResolvedRefs");
        await Lab.UntilAsync(ConditionTypes.TrafficPublished, "True");
        await Lab.PatchAsync("""{ "traffic": { "weight": 0 } }""", "us");
        await UntilBackendsAsync("eu-app=100");
        await Lab.PatchAsync("""{ "traffic": { "weight": 300 } }""", "us");
        await Lab.PatchAsync("""{ "traffic": { "mode": "DNSEndpoint", "gatewayRef": null } }""");
        await Eventually.HoldsAsync(async () => await ListAsync("httproutes") is ["us-route"], "the route of the region is deleted");

        // The region that writes for the group goes.
        await Lab.Cluster.RunKubectlAsync(["delete", "shortenerregion", "eu", "--namespace", Lab.Namespace, "--wait=false"], Token);
        await UntilPublishedAsync("us-dns", 1);
        await UntilResolvedAsync("192.0.2.2");
        await Lab.PatchAsync("""{ "traffic": { "mode": "None" } }""", "us");
        await Eventually.HoldsAsync(async () => await ListAsync("dnsendpoints") is ["zz-dns"] && await ListAsync("httproutes") is [], "nothing is left of it");
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.ReadAsync("us")).Status is { Traffic: null, Conditions: { } conditions }
                && conditions.All(condition => condition.Type != ConditionTypes.TrafficPublished),
            "its status says nothing of it"
        );
        Assert.Equal(0, _externalDns.EmptyRecords);
    }

    private static Func<V1Pod, bool> IsOf(string region) => pod => Labels.InstanceOf(pod.Metadata) == region;

    private static string Dns(params string[] targets) =>
        $$"""{ "traffic": { "mode": "DNSEndpoint", "targets": [{{string.Join(", ", targets.Select(target => $"\"{target}\""))}}] } }""";

    // Of the autoscaler of the region that stays.
    private async Task UntilMinimumAsync(Func<int, Task<int>> expectedOf)
    {
        var expected = 0;
        await Eventually.HoldsAsync(
            async () =>
                (expected = await expectedOf((await Lab.ReadAsync("eu")).Spec.App.MinReplicas)) > 0
                && (await Lab.Client.AutoscalingV2.ReadNamespacedHorizontalPodAutoscalerAsync("eu-app", Lab.Namespace, cancellationToken: Token))
                    .Spec
                    .MinReplicas == expected,
            () => $"the autoscaler has at least {expected} pods"
        );
    }

    private async Task UntilResolvedAsync(params string[] addresses)
    {
        IReadOnlyList<(IPAddress Address, int Ttl)> found = [];
        await Eventually.HoldsAsync(
            async () =>
                (found = await _authority.ResolveAsync(Name, AddressFamily.InterNetwork, Token))
                    .Select(record => record.Address.ToString())
                    .Order(StringComparer.Ordinal)
                    .SequenceEqual(addresses),
            () => $"{Name} leads to {string.Join(", ", addresses)}; it leads to {string.Join(", ", found)}"
        );
    }

    // Whoever edits an object is told by the number of its targets that the operator has put it right.
    private async Task UntilPublishedAsync(string name, int targets)
    {
        JsonNode? found = null;
        await Eventually.HoldsAsync(
            async () =>
                (found = await FindAsync("dnsendpoints", name)) is not null
                && found["metadata"]!["labels"]?["app.kubernetes.io/managed-by"] is not null
                && found["spec"]!["endpoints"]!.AsArray().All(endpoint => endpoint!["setIdentifier"] is null)
                && found["spec"]!["endpoints"]!.AsArray().Sum(endpoint => endpoint!["targets"]!.AsArray().Count) == targets,
            () => $"{name} has {targets} targets: {found?.ToJsonString()}"
        );
    }

    private async Task UntilBackendsAsync(params string[] backends)
    {
        JsonNode? found = null;
        await Eventually.HoldsAsync(
            async () =>
                (found = await FindAsync("httproutes", "eu-route")) is not null
                && found["spec"]!["hostnames"]!.ToJsonString() == $"[\"{Name}\"]"
                && found["spec"]!["rules"]!.AsArray().All(rule => rule!["filters"] is null)
                && found["spec"]!["rules"]!
                    .AsArray()
                    .SelectMany(rule => rule!["backendRefs"]!.AsArray())
                    .Select(backend => $"{backend!["name"]}={backend["weight"]}")
                    .SequenceEqual(backends),
            () => $"the route has {string.Join(", ", backends)}: {found?.ToJsonString()}"
        );
    }

    // As the controller of the Gateway does.
    private async Task TellAsync(string type, string status, string reason)
    {
        var generation = (long)(await FindAsync("httproutes", "eu-route"))!["metadata"]!["generation"]!;
        var conditions = new[] { (Type: "Accepted", Status: "True", Reason: "Accepted"), (Type: type, Status: status, Reason: reason) }.Select(condition =>
            $$"""
                { "type": "{{condition.Type}}", "status": "{{condition.Status}}", "reason": "{{condition.Reason}}", "message": "told",
                  "observedGeneration": {{generation}}, "lastTransitionTime": "2030-01-01T00:00:00Z" }
                """
        );
        await Lab.Cluster.RunKubectlAsync(
            [
                "patch",
                "httproute",
                "eu-route",
                "--namespace",
                Lab.Namespace,
                "--subresource",
                "status",
                "--type",
                "merge",
                "--patch",
                $$"""
                { "status": { "parents": [{ "parentRef": { "name": "public" }, "controllerName": "example.com/gateway", "conditions": [{{string.Join(
                    ',',
                    conditions
                )}}] }] } }
                """,
            ],
            Token
        );
    }

    private async Task UntilAsync(string region, Func<TrafficStatus, bool> condition)
    {
        TrafficStatus? found = null;
        await Eventually.HoldsAsync(
            async () => (found = (await Lab.ReadAsync(region)).Status?.Traffic) is not null && condition(found),
            () => $"the status of {region}: {found}"
        );
        Assert.NotNull(found!.LastChangeTime);
    }

    private Task UntilEventAsync(string reason) =>
        Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.EventsV1.ListNamespacedEventAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(entry =>
                    entry is { Type: "Warning" } && entry.Reason == reason
                ),
            $"an event {reason}"
        );

    private async Task<JsonNode?> FindAsync(string plural, string name) =>
        (await ReadAsync(plural)).FirstOrDefault(item => (string?)item!["metadata"]!["name"] == name);

    private async Task<string[]> ListAsync(string plural) => [.. (await ReadAsync(plural)).Select(item => (string)item!["metadata"]!["name"]!).Order()];

    private async Task<JsonArray> ReadAsync(string plural) =>
        JsonNode.Parse(await Lab.Cluster.RunKubectlAsync(["get", plural, "--namespace", Lab.Namespace, "--output", "json"], Token))!["items"]!.AsArray();

    private Task<string> PatchAsync(string kind, string name, string patch) =>
        Lab.Cluster.RunKubectlAsync(["patch", kind, name, "--namespace", Lab.Namespace, "--type", "merge", "--patch", patch], Token);
}
