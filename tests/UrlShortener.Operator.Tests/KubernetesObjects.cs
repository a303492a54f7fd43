using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Autorest;
using UrlShortener.Operator.Entities;
using Xunit;

namespace UrlShortener.Operator.Tests;

/// <summary>The operator's kinds at an API server, as a user's client sees them.</summary>
internal static class KubernetesObjects
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Creates an object; returns what is stored.</summary>
    /// <exception cref="HttpOperationException">It was refused.</exception>
    public static async Task<JsonObject> CreateAsync(this IKubernetes client, JsonObject item) =>
        Parse(
            await client.CustomObjects.CreateNamespacedCustomObjectAsync(
                item,
                ApiGroup.Name,
                ApiGroup.Version,
                NamespaceOf(item),
                PluralOf(item),
                cancellationToken: Token
            )
        );

    /// <summary>Replaces the specification of an object; returns what is stored.</summary>
    /// <exception cref="HttpOperationException">It was refused.</exception>
    public static async Task<JsonObject> ChangeAsync(this IKubernetes client, JsonObject item)
    {
        var name = (string)item["metadata"]!["name"]!;
        var there = Parse(
            await client.CustomObjects.GetNamespacedCustomObjectAsync(ApiGroup.Name, ApiGroup.Version, NamespaceOf(item), PluralOf(item), name, Token)
        );
        there["spec"] = item["spec"]!.DeepClone();
        return Parse(
            await client.CustomObjects.ReplaceNamespacedCustomObjectAsync(
                there,
                ApiGroup.Name,
                ApiGroup.Version,
                NamespaceOf(item),
                PluralOf(item),
                name,
                cancellationToken: Token
            )
        );
    }

    /// <summary>Why the API server refuses; fails when it does not.</summary>
    public static async Task<string> RefusalAsync(Func<Task> requestAsync)
    {
        var refused = await Assert.ThrowsAsync<HttpOperationException>(requestAsync);
        return (string)JsonNode.Parse(refused.Response.Content)!["message"]!;
    }

    /// <summary>JSON of an object that the client read.</summary>
    public static JsonObject Parse(object item) => JsonSerializer.SerializeToNode(item)!.AsObject();

    private static string NamespaceOf(JsonObject item) => (string)item["metadata"]!["namespace"]!;

    private static string PluralOf(JsonObject item) => SpecJson.PluralOf((string)item["kind"]!);
}
