using System.Net;
using k8s;
using UrlShortener.Operator.Entities;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>The operator's process on a cluster whose CustomResourceDefinitions are deleted and come back. The cluster is this test's own.</summary>
public sealed class DefinitionsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Definitions_DeletedAndBack_TheOperatorGoesOn()
    {
        await using var fixture = new ApiServerFixture();
        var cluster = await fixture.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("definitions", Token);
        var port = Ports.Take();
        await using var program = await OperatorProgram.StartAsync(
            new Dictionary<string, string>
            {
                ["KUBECONFIG"] = cluster.Kubeconfig,
                ["Operator:Namespaces"] = space.Name,
                ["Operator:Port"] = $"{port}",
                ["Operator:LeaderElection:Namespace"] = space.Name,
                ["Operator:Webhooks:Enabled"] = "false",
            },
            Token
        );
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await UntilAsync(HttpStatusCode.OK);
        await CreateAsync();

        foreach (var plural in new[] { V1Alpha1ShortenerRegion.KubePlural, V1Alpha1KeyPool.KubePlural })
            await client.ApiextensionsV1.DeleteCustomResourceDefinitionAsync($"{plural}.{ApiGroup.Name}", cancellationToken: Token);
        await UntilAsync(HttpStatusCode.ServiceUnavailable);

        await ApiServerFixture.InstallAllAsync(client);
        var began = TimeProvider.System.GetTimestamp();
        await CreateAsync();
        await UntilAsync(HttpStatusCode.OK);
        TestContext.Current.SendDiagnosticMessage(
            $"The operator wrote a status and was ready {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0.0} s after the definitions were back."
        );

        // Without its Secret a region has a status, and nothing else.
        async Task CreateAsync()
        {
            await Eventually.HoldsAsync(
                async () =>
                {
                    try
                    {
                        await client.CreateAsync(
                            SpecJson.Object(V1Alpha1ShortenerRegion.KubeKind, space.Name, "eu", SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind))
                        );
                        return true;
                    }
                    catch (k8s.Autorest.HttpOperationException error)
                        when (error.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.TooManyRequests)
                    {
                        // The storage is still being made.
                        return false;
                    }
                },
                "the API server takes regions"
            );
            await Eventually.HoldsAsync(
                async () =>
                    KubernetesObjects.Parse(
                        await client.CustomObjects.GetNamespacedCustomObjectAsync(
                            ApiGroup.Name,
                            ApiGroup.Version,
                            space.Name,
                            V1Alpha1ShortenerRegion.KubePlural,
                            "eu",
                            Token
                        )
                    )["status"]
                        is not null,
                () => $"the operator writes a status. Its log:\n{program.ReadLog()}"
            );
        }

        Task UntilAsync(HttpStatusCode code) =>
            Eventually.HoldsAsync(
                async () =>
                {
                    try
                    {
                        using var response = await http.GetAsync(new Uri("/readyz", UriKind.Relative), Token);
                        return response.StatusCode == code;
                    }
                    catch (HttpRequestException)
                    {
                        return false;
                    }
                },
                () => $"/readyz answers {code}. The log:\n{program.ReadLog()}"
            );
    }
}
