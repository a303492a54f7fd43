using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

namespace UrlShortener.Operator.Tests.Entities;

public sealed class InstallationTests(ApiServerFixture servers)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(V1Alpha1ShortenerRegion.KubePlural)]
    [InlineData(V1Alpha1KeyPool.KubePlural)]
    public async Task Definition_AtAnApiServer_IsServedAndStored(string plural)
    {
        using var client = (await servers.GetAsync()).CreateClient();
        var definition = await client.ApiextensionsV1.ReadCustomResourceDefinitionAsync($"{plural}.{ApiGroup.Name}", cancellationToken: Token);
        Assert.Equal(
            ["Established", "NamesAccepted"],
            definition.Status.Conditions.Where(one => one.Status == "True").Select(one => one.Type).Order(StringComparer.Ordinal)
        );
        Assert.Equal([ApiGroup.Version], definition.Status.StoredVersions);
    }

    [Theory]
    [InlineData(V1Alpha1ShortenerRegion.KubeKind)]
    [InlineData(V1Alpha1KeyPool.KubeKind)]
    public async Task MinimalObject_Created_ShowsTheDefaultsOfTheTypes(string kind)
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("defaults", Token);
        var stored = (await client.CreateAsync(SpecJson.Object(kind, space.Name, "eu", SpecJson.Minimal(kind))))["spec"]!;

        // The operator's reading of what the user wrote, and of what the server stored, is the same.
        var read =
            kind == V1Alpha1KeyPool.KubeKind
                ? (Serialize<KeyPoolSpec>(SpecJson.Minimal(kind)), Serialize<KeyPoolSpec>(stored))
                : (Serialize<RegionSpec>(SpecJson.Minimal(kind)), Serialize<RegionSpec>(stored));
        Assert.Equal(read.Item1, read.Item2);
        Assert.Equal(Leaves(JsonNode.Parse(read.Item1)), Leaves(stored));
    }

    [Theory]
    [InlineData("""{"region": "Eu"}""", "spec.region")]
    [InlineData("""{"region": "e-"}""", "spec.region")]
    [InlineData("""{"app": {"image": null}}""", "spec.app.image")]
    [InlineData("""{"app": {"minReplicas": 0}}""", "spec.app.minReplicas")]
    [InlineData("""{"app": {"service": {"type": "ExternalName"}}}""", "spec.app.service.type")]
    [InlineData("""{"app": {"settings": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}}""", "spec.app.settings")]
    [InlineData("""{"app": {"settings": [{"name": "a__b", "value": "1"}]}}""", "spec.app.settings")]
    [InlineData("""{"app": {"resources": {"limits": {"memory": "lots"}}}}""", "spec.app.resources.limits.memory")]
    [InlineData("""{"traffic": {"hostnames": []}}""", "spec.traffic.hostnames")]
    [InlineData("""{"traffic": {"hostnames": ["a", "a"]}}""", "spec.traffic.hostnames")]
    [InlineData("""{"traffic": {"hostnames": ["https://a"]}}""", "spec.traffic.hostnames")]
    [InlineData("""{"suspend": "Maybe"}""", "spec.suspend")]
    [InlineData("""{"suspend": "Full"}""", "spec.suspend")]
    [InlineData("""{"connections": {"postgresSecretRef": null}}""", "set either connections.postgresSecretRef or postgres")]
    [InlineData("""{"connections": null}""", "set either connections.postgresSecretRef or postgres")]
    public async Task Region_OutOfBounds_IsRefusedByTheSchema(string patch, string field)
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("bounds", Token);
        var spec = SpecJson.Merge(SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind), JsonNode.Parse(patch))!;
        var refusal = await KubernetesObjects.RefusalAsync(() => client.CreateAsync(SpecJson.Object(V1Alpha1ShortenerRegion.KubeKind, space.Name, "eu", spec)));
        Assert.Contains(field, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Region_WithNumbersAsQuantities_IsTakenAndRead()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("quantities", Token);
        var spec = SpecJson.Merge(
            SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind),
            JsonNode.Parse("""{"app": {"resources": {"requests": {"cpu": 2}, "limits": {"memory": 42949672960}}}}""")
        )!;
        var stored = (await client.CreateAsync(SpecJson.Object(V1Alpha1ShortenerRegion.KubeKind, space.Name, "eu", spec)))["spec"]!;
        var read = SpecJson.Read<RegionSpec>(stored);
        Assert.Equal(2, read.App.Resources.Requests["cpu"].ToDecimal());
        Assert.Equal(40m * 1024 * 1024 * 1024, read.App.Resources.Limits["memory"].ToDecimal());
    }

    /// <summary>
    /// As <c>kubectl edit --subresource=status</c> may write them. The operator could not decode an object with such a time, and would no longer see its changes;
    /// with such a number it could not count.
    /// </summary>
    [Theory]
    [InlineData("""{"firstReadyTime": "0000-01-01T00:00:00Z"}""", "status.firstReadyTime")]
    [InlineData("""{"firstReadyTime": "0001-01-01T00:00:00+10:00"}""", "status.firstReadyTime")]
    [InlineData("""{"firstReadyTime": "2026-01-01t00:00:00z"}""", "status.firstReadyTime")]
    [InlineData("""{"firstReadyTime": "2026-01-01T00:00:00+24:00"}""", "status.firstReadyTime")]
    [InlineData("""{"topology": {"since": "2026-01-01T00:00:00+14:30"}}""", "status.topology.since")]
    [InlineData("""{"topology": {"epoch": 9223372036854775807}}""", "status.topology.epoch")]
    [InlineData("""{"schema": {"repairs": -1}}""", "status.schema.repairs")]
    [InlineData(
        """{"conditions": [{"type": "Ready", "status": "True", "reason": "A", "message": "", "lastTransitionTime": "2026-01-01T00:00:00-24:00"}]}""",
        "status.conditions"
    )]
    public async Task Status_ThatTheOperatorCouldNotRead_IsRefused(string status, string field)
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("status", Token);
        await client.CreateAsync(SpecJson.Object(V1Alpha1ShortenerRegion.KubeKind, space.Name, "eu", SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind)));

        var refusal = await KubernetesObjects.RefusalAsync(() =>
            client.CustomObjects.PatchNamespacedCustomObjectStatusAsync(
                new V1Patch($$"""{ "status": {{status}} }""", V1Patch.PatchType.MergePatch),
                ApiGroup.Name,
                ApiGroup.Version,
                space.Name,
                V1Alpha1ShortenerRegion.KubePlural,
                "eu",
                cancellationToken: Token
            )
        );

        Assert.Contains(field, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_WrittenBySubresource_FillsTheColumns()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("columns", Token);
        var item = await client.CreateAsync(
            SpecJson.Object(V1Alpha1ShortenerRegion.KubeKind, space.Name, "eu", SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind))
        );
        item["status"] = JsonNode.Parse(
            """
            {"observedGeneration": 1, "role": "Primary", "app": {"replicas": 3, "readyReplicas": 2, "selector": "a=b"},
             "conditions": [{"type": "Ready", "status": "False", "reason": "AppUnavailable", "message": "Two of three pods are ready.", "lastTransitionTime": "2030-01-31T12:00:00Z", "observedGeneration": 1}]}
            """
        );
        await client.CustomObjects.ReplaceNamespacedCustomObjectStatusAsync(
            item,
            ApiGroup.Name,
            ApiGroup.Version,
            space.Name,
            V1Alpha1ShortenerRegion.KubePlural,
            "eu",
            cancellationToken: Token
        );

        var row = await ReadRowAsync(cluster, space.Name, V1Alpha1ShortenerRegion.KubePlural);
        Assert.Equal("eu-west", row["Region"]);
        Assert.Equal("Primary", row["Role"]);
        Assert.Equal("False", row["Ready"]);
        Assert.Equal("AppUnavailable", row["Reason"]);
        Assert.Equal("2", row["App"]);
        Assert.Equal("1", row["Observed"]);
    }

    [Fact]
    public async Task Scale_OfEachKind_SetsItsField()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("scale", Token);
        foreach (
            var (kind, plural, replicas, path) in new[]
            {
                (V1Alpha1ShortenerRegion.KubeKind, V1Alpha1ShortenerRegion.KubePlural, 6, "minReplicas"),
                (V1Alpha1KeyPool.KubeKind, V1Alpha1KeyPool.KubePlural, 2_000_000, "targetAvailable"),
            }
        )
        {
            await client.CreateAsync(SpecJson.Object(kind, space.Name, "eu", SpecJson.Minimal(kind)));
            var patch = new V1Patch(new { spec = new { replicas } }, V1Patch.PatchType.MergePatch);
            await client.CustomObjects.PatchNamespacedCustomObjectScaleAsync(
                patch,
                ApiGroup.Name,
                ApiGroup.Version,
                space.Name,
                plural,
                "eu",
                cancellationToken: Token
            );
            var stored = KubernetesObjects.Parse(
                await client.CustomObjects.GetNamespacedCustomObjectAsync(ApiGroup.Name, ApiGroup.Version, space.Name, plural, "eu", Token)
            );
            Assert.Equal(replicas, (int?)(stored["spec"]![path] ?? stored["spec"]!["app"]![path]));
        }
    }

    [Fact]
    public async Task Names_OfTheKinds_AreThoseThatPeopleType()
    {
        using var client = (await servers.GetAsync()).CreateClient();
        var resources = (await client.CustomObjects.GetAPIResourcesAsync(ApiGroup.Name, ApiGroup.Version, cancellationToken: Token)).Resources;
        Assert.Equal(["sregion", "srg"], resources.Single(one => one.Name == V1Alpha1ShortenerRegion.KubePlural).ShortNames);
        Assert.Equal(["kpool", "kp"], resources.Single(one => one.Name == V1Alpha1KeyPool.KubePlural).ShortNames);
        Assert.All(resources.Where(one => !one.Name.Contains('/', StringComparison.Ordinal)), one => Assert.Equal(["shortener"], one.Categories));
        Assert.Contains(resources, one => one.Name == $"{V1Alpha1KeyPool.KubePlural}/status");
    }

    private static string Serialize<T>(JsonNode spec) => KubernetesJson.Serialize(SpecJson.Read<T>(spec));

    // Fields with a value, by path; empty lists and maps stand for nothing.
    private static SortedDictionary<string, string> Leaves(JsonNode? node)
    {
        var leaves = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add("", node);
        return leaves;

        void Add(string path, JsonNode? value)
        {
            if (value is JsonObject map)
            {
                foreach (var (name, child) in map)
                    Add($"{path}.{name}", child);
            }
            else if (value is not JsonArray { Count: 0 } and not null)
            {
                leaves[path] = value.ToJsonString();
            }
        }
    }

    private static async Task<Dictionary<string, string?>> ReadRowAsync(KubernetesCluster cluster, string space, string plural)
    {
        using var http = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true });
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Address, $"/apis/{ApiGroup.ApiVersion}/namespaces/{space}/{plural}"));
        Assert.SkipUnless(cluster.IsLocal, "Needs the administrator's token of a control plane of local processes.");
        request.Headers.Authorization = new("Bearer", cluster.AdminToken);
        request.Headers.Accept.ParseAdd("application/json;as=Table;v=v1;g=meta.k8s.io");
        using var answer = await http.SendAsync(request, Token);
        var table = JsonNode.Parse(await answer.Content.ReadAsStringAsync(Token))!;
        return table["columnDefinitions"]!
            .AsArray()
            .Zip(table["rows"]![0]!["cells"]!.AsArray())
            .ToDictionary(pair => (string)pair.First!["name"]!, pair => pair.Second?.ToString());
    }
}
