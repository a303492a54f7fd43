using System.Text.Json.Nodes;
using k8s;
using k8s.Autorest;
using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Manifests;
using Xunit;

namespace UrlShortener.Operator.Tests.Entities;

/// <summary>Objects that were written for an earlier version of the definition, with fields that this one does not have.</summary>
public sealed class UpgradeTests(ApiServerFixture servers)
{
    // A kind of this test: the other tests share the definitions of the real ones.
    private const string Group = "upgrade.urlshortener.dev";
    private const string Definitions = "customresourcedefinitions";
    private const string DefinitionGroup = "apiextensions.k8s.io";
    private const string FormerFields = """
        {"kafka": {"required": true}, "cluster": {"namespace": "eu"}, "failover": {"healthyThreshold": 12, "priority": 7}, "traffic": {"serviceRef": {"name": "eu"}}}
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Region_WithFormerFields_IsRefusedByStrictValidationAndElsePruned()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("former", Token);
        var written = SpecJson.Object(
            V1Alpha1ShortenerRegion.KubeKind,
            space.Name,
            "eu",
            SpecJson.Merge(SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind), JsonNode.Parse(FormerFields))!
        );

        // What kubectl apply asks for.
        var refusal = await KubernetesObjects.RefusalAsync(() =>
            client.CustomObjects.CreateNamespacedCustomObjectAsync(
                written,
                ApiGroup.Name,
                ApiGroup.Version,
                space.Name,
                V1Alpha1ShortenerRegion.KubePlural,
                fieldValidation: "Strict",
                cancellationToken: Token
            )
        );
        Assert.Contains("unknown field \"spec.cluster.namespace\"", refusal, StringComparison.Ordinal);
        Assert.Contains("unknown field \"spec.traffic.serviceRef\"", refusal, StringComparison.Ordinal);

        AssertPruned((await client.CreateAsync(written))["spec"]!);
    }

    [Fact]
    public async Task StoredRegion_WithFormerFields_IsReadPrunedAndTakesAStatus()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("upgrade", Token);
        var current = CurrentDefinition();
        var former = current.DeepClone().AsObject();
        Schema(former)["spec"] = new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true };
        var name = (string)current["metadata"]!["name"]!;
        await client.CustomObjects.CreateClusterCustomObjectAsync(former, DefinitionGroup, "v1", Definitions, cancellationToken: Token);
        try
        {
            var spec = SpecJson.Merge(SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind), JsonNode.Parse(FormerFields))!.AsObject();
            spec.Remove("connections");
            spec["suspend"] = "Full";
            var stored = SpecJson.Object(V1Alpha1ShortenerRegion.KubeKind, space.Name, "eu", spec);
            stored["apiVersion"] = $"{Group}/{ApiGroup.Version}";
            await UntilServedAsync(() =>
                client.CustomObjects.CreateNamespacedCustomObjectAsync(
                    stored,
                    Group,
                    ApiGroup.Version,
                    space.Name,
                    V1Alpha1ShortenerRegion.KubePlural,
                    cancellationToken: Token
                )
            );

            await client.CustomObjects.PatchClusterCustomObjectAsync(
                new V1Patch(
                    new JsonArray(
                        new JsonObject
                        {
                            ["op"] = "replace",
                            ["path"] = "/spec/versions",
                            ["value"] = current["spec"]!["versions"]!.DeepClone(),
                        }
                    ).ToJsonString(),
                    V1Patch.PatchType.JsonPatch
                ),
                DefinitionGroup,
                "v1",
                Definitions,
                name,
                cancellationToken: Token
            );
            JsonNode read = stored;
            await Eventually.HoldsAsync(
                async () =>
                {
                    read = KubernetesObjects.Parse(
                        await UntilServedAsync(() =>
                            client.CustomObjects.GetNamespacedCustomObjectAsync(
                                Group,
                                ApiGroup.Version,
                                space.Name,
                                V1Alpha1ShortenerRegion.KubePlural,
                                "eu",
                                Token
                            )
                        )
                    );
                    return read["spec"]!["kafka"]?["required"] is null;
                },
                "the server serves the new definition"
            );

            AssertPruned(read["spec"]!);
            Assert.True(SpecJson.Read<RegionSpec>(read["spec"]!).IsSuspended());
            await UntilServedAsync(() =>
                client.CustomObjects.PatchNamespacedCustomObjectStatusAsync(
                    new V1Patch("""{"status": {"role": "Primary"}}""", V1Patch.PatchType.MergePatch),
                    Group,
                    ApiGroup.Version,
                    space.Name,
                    V1Alpha1ShortenerRegion.KubePlural,
                    "eu",
                    cancellationToken: Token
                )
            );
        }
        finally
        {
            await client.ApiextensionsV1.DeleteCustomResourceDefinitionAsync(name, cancellationToken: CancellationToken.None);
        }
    }

    private static void AssertPruned(JsonNode spec)
    {
        // Other fields have these names now. Without servers or a name in them, they say nothing.
        Assert.Null(spec["kafka"]!["required"]);
        Assert.Null(SpecJson.Read<RegionSpec>(spec).KafkaOrNone());
        Assert.Empty(spec["cluster"]!.AsObject());
        Assert.Null(SpecJson.Read<RegionSpec>(spec).ClusterName());
        Assert.Equal((7, null), ((int)spec["failover"]!["priority"]!, spec["failover"]!["healthyThreshold"]));
        Assert.Null(spec["traffic"]!["serviceRef"]);
    }

    private static JsonObject CurrentDefinition()
    {
        var definition = CustomResourceDefinitions.BuildAll()[$"{V1Alpha1ShortenerRegion.KubePlural}.yaml"];
        definition["metadata"]!["name"] = $"{V1Alpha1ShortenerRegion.KubePlural}.{Group}";
        definition["spec"]!["group"] = Group;
        // The short names and the category belong to the real kind.
        definition["spec"]!["names"]!.AsObject().Remove("shortNames");
        definition["spec"]!["names"]!.AsObject().Remove("categories");
        return definition;
    }

    private static JsonObject Schema(JsonObject definition) => definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!.AsObject();

    // 404 and 429: the server prepares the storage of a definition that is new or changed.
    private static async Task<object> UntilServedAsync(Func<Task<object>> requestAsync)
    {
        object? answer = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                try
                {
                    answer = await requestAsync();
                    return true;
                }
                catch (HttpOperationException error) when ((int)error.Response.StatusCode is 404 or 429)
                {
                    return false;
                }
            },
            "the server serves the definition"
        );
        return answer!;
    }
}
