using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Entities;
using Xunit;

namespace UrlShortener.Operator.Tests.Webhooks;

public sealed class AdmissionTests(ApiServerFixture servers)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Region_Bad_IsRefusedInWordsThatTheClientSees()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("admission", Token);
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, TimeProvider.System);
        await host.InstallAsync();

        // Only the webhook compares quantities.
        var refusal = await KubernetesObjects.RefusalAsync(() =>
            client.CreateAsync(Region(space.Name, """{"app": {"resources": {"requests": {"memory": "1Gi"}}}}"""))
        );
        Assert.Contains(
            "admission webhook \"validate.urlshortener.dev\" denied the request: "
                + "spec.app.resources.requests: requests memory 1Gi, above the limit of 512Mi in spec.app.resources.limits.",
            refusal,
            StringComparison.Ordinal
        );

        await client.CreateAsync(Region(space.Name, "{}"));
        Assert.Contains(
            "spec.region",
            await KubernetesObjects.RefusalAsync(() => client.ChangeAsync(Region(space.Name, """{"region": "us"}"""))),
            StringComparison.Ordinal
        );
        var scale = new V1Patch(new { spec = new { replicas = 21 } }, V1Patch.PatchType.MergePatch);
        Assert.Contains(
            "minReplicas",
            await KubernetesObjects.RefusalAsync(() =>
                client.CustomObjects.PatchNamespacedCustomObjectScaleAsync(
                    scale,
                    ApiGroup.Name,
                    ApiGroup.Version,
                    space.Name,
                    V1Alpha1ShortenerRegion.KubePlural,
                    "eu",
                    cancellationToken: Token
                )
            ),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Region_HardlyMeant_IsTakenWithWarnings()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("warnings", Token);
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, TimeProvider.System);
        await host.InstallAsync();

        using var answer = await client.CustomObjects.CreateNamespacedCustomObjectWithHttpMessagesAsync(
            Region(space.Name, """{"app": {"minReplicas": 1}}"""),
            ApiGroup.Name,
            ApiGroup.Version,
            space.Name,
            V1Alpha1ShortenerRegion.KubePlural,
            cancellationToken: Token
        );
        var warnings = string.Join('\n', answer.Response.Headers.GetValues("Warning"));
        Assert.Contains(
            "spec.app.minReplicas is 1. The region does not serve while its only pod is unavailable. Use 2 or more.",
            warnings,
            StringComparison.Ordinal
        );
    }

    // The reconcile validates objects that were created meanwhile.
    [Fact]
    public async Task Region_BadWhileTheWebhookIsDown_IsTakenAndKeepsItsLabels()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("down", Token);
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, TimeProvider.System);
        await client.CreateAsync(Region(space.Name, """{"app": {"nodeSelector": {"a b": "c"}}}"""));
        await host.InstallAsync();

        var label = new V1Patch(new { metadata = new { labels = new { team = "links" } } }, V1Patch.PatchType.MergePatch);
        await client.CustomObjects.PatchNamespacedCustomObjectAsync(
            label,
            ApiGroup.Name,
            ApiGroup.Version,
            space.Name,
            V1Alpha1ShortenerRegion.KubePlural,
            "eu",
            cancellationToken: Token
        );
        await client.CustomObjects.DeleteNamespacedCustomObjectAsync(
            ApiGroup.Name,
            ApiGroup.Version,
            space.Name,
            V1Alpha1ShortenerRegion.KubePlural,
            "eu",
            cancellationToken: Token
        );
    }

    [Theory]
    [InlineData("", HttpStatusCode.BadRequest)]
    [InlineData("null", HttpStatusCode.BadRequest)]
    [InlineData("[]", HttpStatusCode.BadRequest)]
    [InlineData("""{"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}""", HttpStatusCode.BadRequest)]
    [InlineData(
        """{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "1", "resource": {"group": "apps", "resource": "deployments"}}}""",
        HttpStatusCode.BadRequest
    )]
    [InlineData(
        """{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "1", "resource": {"group": "urlshortener.dev", "resource": "keypools"}, "operation": "CREATE", "object": 5}}""",
        HttpStatusCode.OK
    )]
    [InlineData(
        """{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "1", "resource": {"group": "urlshortener.dev", "resource": "keypools"}, "operation": "CREATE", "object": {"spec": {"regionRef": 7}}}}""",
        HttpStatusCode.OK
    )]
    [InlineData("TOO LONG", HttpStatusCode.RequestEntityTooLarge)]
    public async Task Question_Malformed_IsAnsweredClearly(string body, HttpStatusCode status)
    {
        var cluster = await servers.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("malformed", Token);
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, TimeProvider.System);
        using var http = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true });
        await host.LookAsync();

        using var content = new StringContent(body == "TOO LONG" ? new string(' ', 9_000_000) : body, Encoding.UTF8, "application/json");
        // A body that is too long is refused before it is sent.
        using var request = new HttpRequestMessage(HttpMethod.Post, host.Address) { Content = content, Headers = { ExpectContinue = true } };
        using var answer = await http.SendAsync(request, Token);
        Assert.Equal(status, answer.StatusCode);
        var text = await answer.Content.ReadAsStringAsync(Token);
        Assert.NotEmpty(text);
        if (status == HttpStatusCode.OK)
            Assert.False((bool)JsonNode.Parse(text)!["response"]!["allowed"]!);
    }

    private static JsonObject Region(string space, string patch) =>
        SpecJson.Object(
            V1Alpha1ShortenerRegion.KubeKind,
            space,
            "eu",
            SpecJson.Merge(SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind), JsonNode.Parse(patch))!
        );
}
