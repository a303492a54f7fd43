using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using k8s;
using k8s.Autorest;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Configuration;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Webhooks;
using UrlShortener.TestHarness.Metrics;
using UrlShortener.TestHarness.Tracing;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>The operator's process on a cluster in which it is installed, with the rights that the manifests give it.</summary>
public sealed class OperatorProgramTests(InstalledCluster installed)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Operator_WithItsOwnRights_LeadsAnswersAndHandsTheLeaseBack()
    {
        var cluster = await installed.GetAsync();
        using var client = cluster.CreateClient();
        var user = await cluster.GetUserAsync(InstalledCluster.SystemNamespace, InstalledCluster.Name, Token);
        var (port, webhookPort) = (Ports.Take(), Ports.Take());
        await LeadWebhookToAsync(client, webhookPort);
        await using var program = await StartAsync(user, port, webhookPort);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };

        await UntilAsync(program, async () => await StatusAsync(http, "/readyz") == HttpStatusCode.OK, "it is ready");
        // It answered itself first, and those answers are not counted.
        await UntilAsync(
            program,
            () => Task.FromResult(program.ReadLog().Contains("The webhook answered its own requests", StringComparison.Ordinal)),
            "it tells of it"
        );
        Assert.DoesNotContain("AdmissionRefused", program.ReadLog(), StringComparison.Ordinal);
        await UntilAsync(program, async () => await HolderAsync(client) is { Length: > 0 }, "it leads");
        await UntilAsync(program, () => IsJudgedAsync(client), "the API server asks it");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, "/livez"));
        var metrics = await http.GetStringAsync("/metrics", Token);
        Assert.Contains("leader_election_master_status{name=\"urlshortener-operator\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("rest_client_requests_total", metrics, StringComparison.Ordinal);
        var page = new MetricsPage();
        page.Check(metrics, region: null, "Operator");
        page.CheckValues("Operator");
        await AssertAdmissionIsApartAsync(http, webhookPort);

        Assert.Equal(0, await program.StopAsync(Token));
        Assert.True(string.IsNullOrEmpty(await HolderAsync(client)));
        Assert.Contains("released lease urlshortener-operator", program.ReadLog(), StringComparison.Ordinal);
        // Every line is one event: time in UTC, level, category. Nothing fails but the probe while it is not ready yet.
        Assert.All(
            program.ReadLog().Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warn|fail: Microsoft\.Extensions\.Diagnostics\.HealthChecks)", line)
        );
        Assert.Empty(await cluster.ReadAuditAsync(request => request.User == user.Name && request.Code == 403, Token));
    }

    [Fact]
    public async Task Operator_WithARegion_IsRefusedNothingThatItDoes()
    {
        var services = new ServiceCollection();
        services.AddRegionControllers();
        Assert.SkipUnless(
            services.Any(service => service.ServiceType == typeof(IEntityController<V1Alpha1ShortenerRegion>)),
            "The operator has no controller of regions: Startup.AddRegionControllers."
        );
        var cluster = await installed.GetAsync();
        using var client = cluster.CreateClient();
        var user = await cluster.GetUserAsync(InstalledCluster.SystemNamespace, InstalledCluster.Name, Token);
        var secret = new V1Secret
        {
            Metadata = new V1ObjectMeta { Name = "postgres" },
            StringData = new Dictionary<string, string> { ["connectionString"] = "Host=127.0.0.1" },
        };
        await client.CoreV1.CreateNamespacedSecretAsync(secret, InstalledCluster.RegionNamespace, cancellationToken: Token);
        await using var collector = await Collector.StartAsync();
        await using var program = await StartAsync(
            user,
            Ports.Take(),
            Ports.Take(),
            ("Operator:Tracing:Endpoint", collector.Endpoint),
            ("Operator:Tracing:SampleRatio", "1")
        );
        await client.CreateAsync(
            SpecJson.Object(V1Alpha1ShortenerRegion.KubeKind, InstalledCluster.RegionNamespace, "eu", SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind))
        );

        // The job is what it makes last until the job has ended.
        await UntilAsync(
            program,
            async () => (await client.BatchV1.ListNamespacedJobAsync(InstalledCluster.RegionNamespace, cancellationToken: Token)).Items.Count > 0,
            "the operator creates the migration Job"
        );
        await UntilAsync(
            program,
            async () =>
                (await client.EventsV1.ListNamespacedEventAsync(InstalledCluster.RegionNamespace, cancellationToken: Token)).Items.Any(one =>
                    one.Regarding is { Kind: V1Alpha1ShortenerRegion.KubeKind, Name: "eu" }
                ),
            "the operator records an event"
        );
        await UntilAsync(
            program,
            async () =>
                KubernetesObjects
                    .Parse(
                        await client.CustomObjects.GetNamespacedCustomObjectAsync(
                            ApiGroup.Name,
                            ApiGroup.Version,
                            InstalledCluster.RegionNamespace,
                            V1Alpha1ShortenerRegion.KubePlural,
                            "eu",
                            Token
                        )
                    )["status"]
                    ?["conditions"]
                    is not null,
            "the operator writes the status"
        );
        Assert.Equal(0, await program.StopAsync(Token));
        Assert.Empty(await cluster.ReadAuditAsync(request => request.User == user.Name && request.Code == 403, Token));
        await AssertEverythingIsLabelledAndSignedAsync(cluster);
        AssertIsTraced(collector.Spans);
    }

    [Fact]
    public async Task Operator_WithWrongSettings_TellsAllAndEnds()
    {
        await using var program = await OperatorProgram.StartAsync(
            new Dictionary<string, string>
            {
                ["Operator:Port"] = "0",
                ["Operator:Namespaces"] = "eu,Not_One",
                ["Operator:Namespace"] = "eu",
                ["Operator:LeaderElection:RenewDeadline"] = "00:00:20",
                ["Operator:Webhooks:Enabled"] = "perhaps",
                ["Operator:Tracing:Protocol"] = "udp",
            },
            Token
        );
        Assert.Equal(78, await program.WaitAsync(Token));
        var lines = program.ReadLog().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("The configuration has ", lines[0], StringComparison.Ordinal);
        Assert.Contains("  Operator:Port must be between 1 and 65535.", lines);
        Assert.Contains("  Operator:Tracing:Protocol must be http/protobuf or grpc, not \"udp\".", lines);
        Assert.Contains("  Operator:Webhooks:Enabled must be true or false, not \"perhaps\".", lines);
        Assert.Contains(lines, line => line.StartsWith("  Operator:Namespace is not a setting. Valid names: ", StringComparison.Ordinal));
        Assert.Contains(
            lines,
            line => line.StartsWith("  Operator:LeaderElection:RenewDeadline must be below Operator:LeaderElection:Duration", StringComparison.Ordinal)
        );
        Assert.DoesNotContain("   at ", program.ReadLog(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Operator_WithoutACluster_SaysSoInASentence()
    {
        await using var program = await OperatorProgram.StartAsync(new Dictionary<string, string> { ["Operator:Port"] = $"{Ports.Take()}" }, Token);
        Assert.Equal(78, await program.WaitAsync(Token));
        var line = Assert.Single(program.ReadLog().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("Cannot find a Kubernetes cluster: ", line, StringComparison.Ordinal);
    }

    // A reconcile of the region, with what it wrote, and nothing of the Secret that it read.
    private static void AssertIsTraced(IReadOnlyList<ReceivedSpan> spans)
    {
        var write = spans.First(span => span.Name == "apply ConfigMap");
        Assert.Equal((InstalledCluster.RegionNamespace, "written"), (write.Attributes["k8s.namespace.name"], write.Attributes["write.outcome"]));
        var reconcile = Assert.Single(spans, span => span.SpanId == write.ParentId);
        Assert.Equal(("reconcile shortenerregion", ""), (reconcile.Name, reconcile.ParentId));
        Assert.Equal(("eu", V1Alpha1ShortenerRegion.KubeKind), (reconcile.Attributes["k8s.object.name"], reconcile.Attributes["k8s.object.kind"]));
        Assert.Equal("url-shortener-operator", reconcile.Resource["service.name"]);
        Assert.DoesNotContain(spans.SelectMany(span => span.Attributes.Values), value => value.Contains("Host=", StringComparison.Ordinal));
        Assert.All(spans.Where(span => span.ParentId.Length == 0), root => Assert.StartsWith("reconcile ", root.Name, StringComparison.Ordinal));
    }

    private static Task<OperatorProgram> StartAsync(KubernetesUser user, int port, int webhookPort, params (string Name, string Value)[] settings) =>
        OperatorProgram.StartAsync(
            new Dictionary<string, string>(settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value)))
            {
                ["KUBECONFIG"] = user.Kubeconfig,
                ["Operator:Port"] = port.ToString(CultureInfo.InvariantCulture),
                ["Operator:LeaderElection:Namespace"] = InstalledCluster.SystemNamespace,
                ["Operator:Webhooks:Port"] = webhookPort.ToString(CultureInfo.InvariantCulture),
                ["Operator:Webhooks:ExtraNames:0"] = "127.0.0.1",
            },
            Token
        );

    // All that the operator made has the recommended labels, and says who wrote each field.
    private static async Task AssertEverythingIsLabelledAndSignedAsync(KubernetesCluster cluster)
    {
        var regional = await ListAsync(cluster, InstalledCluster.RegionNamespace, "serviceaccounts,configmaps,services,networkpolicies,pdb,hpa,jobs");
        var own = await ListAsync(cluster, InstalledCluster.SystemNamespace, "secrets,leases");
        var made = regional.Concat(own).Where(item => item["metadata"]!["labels"]?["app.kubernetes.io/managed-by"] is not null).ToList();
        Assert.Superset(
            new HashSet<string?> { "ServiceAccount", "ConfigMap", "Service", "NetworkPolicy", "PodDisruptionBudget", "Job", "Secret", "Lease" },
            made.Select(item => (string?)item["kind"]).ToHashSet()
        );
        foreach (var item in made)
        {
            var labels = item["metadata"]!["labels"]!;
            Assert.All(
                (string[])["name", "instance", "component", "part-of", "managed-by"],
                label => Assert.False(string.IsNullOrEmpty((string?)labels[$"app.kubernetes.io/{label}"]), $"{item["kind"]}: {label}")
            );
            if ((string?)item["kind"] == "Job")
                Assert.Equal("1.0", (string?)labels["app.kubernetes.io/version"]);
        }

        // The test itself writes the region, but not its status.
        IEnumerable<JsonNode> written = [.. made, .. await ListAsync(cluster, InstalledCluster.RegionNamespace, "shortenerregions,events")];
        foreach (
            var entry in written.SelectMany(item =>
                item["metadata"]!["managedFields"]!
                    .AsArray()
                    .Where(entry => (string?)item["kind"] != V1Alpha1ShortenerRegion.KubeKind || (string?)entry!["subresource"] == "status")
            )
        )
        {
            var manager = (string)entry!["manager"]!;
            Assert.DoesNotContain(manager, (string[])["kubernetes-csharp", "unknown", "controller"]);
        }
    }

    private static async Task<IReadOnlyList<JsonNode>> ListAsync(KubernetesCluster cluster, string space, string kinds) =>
        [
            .. JsonNode.Parse(await cluster.RunKubectlAsync(["get", kinds, "--namespace", space, "--show-managed-fields", "--output", "json"], Token))![
                "items"
            ]!
                .AsArray()
                .Select(item => item!),
        ];

    // The API server of a test reaches this machine, not the addresses of Services.
    private static async Task LeadWebhookToAsync(IKubernetes client, int port)
    {
        var patch = new JsonArray(
            new JsonObject
            {
                ["op"] = "replace",
                ["path"] = "/webhooks/0/clientConfig",
                ["value"] = new JsonObject { ["url"] = $"https://127.0.0.1:{port}{AdmissionEndpoint.Path}" },
            }
        );
        await client.AdmissionregistrationV1.PatchValidatingWebhookConfigurationAsync(
            new V1Patch(patch.ToJsonString(), V1Patch.PatchType.JsonPatch),
            InstalledCluster.Name,
            cancellationToken: Token
        );
    }

    private static async Task<string?> HolderAsync(IKubernetes client) =>
        (await client.CoordinationV1.ListNamespacedLeaseAsync(InstalledCluster.SystemNamespace, cancellationToken: Token))
            .Items.SingleOrDefault(lease => lease.Metadata.Name == new LeaderElectionOptions().LeaseName)
            ?.Spec.HolderIdentity;

    // A region that only admission refuses, and that is not stored.
    private static async Task<bool> IsJudgedAsync(IKubernetes client)
    {
        var spec = SpecJson.Merge(SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind), JsonNode.Parse("""{"app": {"nodeSelector": {"a b": "c"}}}"""))!;
        var region = SpecJson.Object(V1Alpha1ShortenerRegion.KubeKind, InstalledCluster.RegionNamespace, "probe", spec);
        try
        {
            await client.CustomObjects.CreateNamespacedCustomObjectAsync(
                region,
                ApiGroup.Name,
                ApiGroup.Version,
                InstalledCluster.RegionNamespace,
                V1Alpha1ShortenerRegion.KubePlural,
                dryRun: "All",
                cancellationToken: Token
            );
            return false;
        }
        catch (HttpOperationException refused) when (refused.Response.Content.Contains("spec.app.nodeSelector", StringComparison.Ordinal))
        {
            return true;
        }
    }

    // Each port serves its own alone.
    private static async Task AssertAdmissionIsApartAsync(HttpClient http, int webhookPort)
    {
        using var question = new StringContent("{}");
        using var refused = await http.PostAsync(new Uri(AdmissionEndpoint.Path, UriKind.Relative), question, Token);
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        using var https = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true });
        https.BaseAddress = new Uri($"https://127.0.0.1:{webhookPort}");
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(https, "/metrics"));
        using var asked = await https.PostAsync(new Uri(AdmissionEndpoint.Path, UriKind.Relative), question, Token);
        Assert.Equal(HttpStatusCode.BadRequest, asked.StatusCode);
    }

    private static async Task<HttpStatusCode?> StatusAsync(HttpClient http, string path)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Token);
            return answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            // It does not listen yet.
            return null;
        }
    }

    private static Task UntilAsync(OperatorProgram program, Func<Task<bool>> condition, string what) =>
        Eventually.HoldsAsync(
            () =>
            {
                if (!program.IsRunning)
                    Assert.Fail($"The operator ended. Its log:\n{program.ReadLog()}");
                return condition();
            },
            what
        );
}
