using System.Net;
using System.Text.Json.Serialization;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Tests;

/// <summary>A kind of these tests, with a status.</summary>
[KubernetesEntity(Group = Group, ApiVersion = "v1", Kind = "Widget", PluralName = Plural)]
public sealed class V1Widget : IKubernetesObject<V1ObjectMeta>
{
    private const string Group = "tests.urlshortener.dev";
    private const string Plural = "widgets";

    [JsonPropertyName("apiVersion")]
    public string ApiVersion { get; set; } = "";

    [JsonPropertyName("kind")]
    public string Kind { get; set; } = "";

    [JsonPropertyName("metadata")]
    public V1ObjectMeta Metadata { get; set; } = new();

    [JsonPropertyName("spec")]
    public WidgetSpec? Spec { get; set; }

    [JsonPropertyName("status")]
    public WidgetStatus? Status { get; set; }

    public static V1Widget Build(string space, string name, int size = 1) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = space },
            Spec = new WidgetSpec { Size = size },
        };

    /// <summary>Defines the kind, and returns when it is served. Does nothing where it is.</summary>
    public static async Task InstallAsync(IKubernetes client, CancellationToken cancellationToken)
    {
        var any = new V1JSONSchemaProps { Type = "object", XKubernetesPreserveUnknownFields = true };
        var definition = new V1CustomResourceDefinition
        {
            Metadata = new V1ObjectMeta { Name = $"{Plural}.{Group}" },
            Spec = new V1CustomResourceDefinitionSpec
            {
                Group = Group,
                Scope = "Namespaced",
                Names = new V1CustomResourceDefinitionNames { Kind = "Widget", Plural = Plural },
                Versions =
                [
                    new V1CustomResourceDefinitionVersion
                    {
                        Name = "v1",
                        Served = true,
                        Storage = true,
                        Subresources = new V1CustomResourceSubresources { Status = new object() },
                        Schema = new V1CustomResourceValidation
                        {
                            OpenAPIV3Schema = new V1JSONSchemaProps
                            {
                                Type = "object",
                                Properties = new Dictionary<string, V1JSONSchemaProps> { ["spec"] = any, ["status"] = any },
                            },
                        },
                    },
                ],
            },
        };
        try
        {
            await client.ApiextensionsV1.CreateCustomResourceDefinitionAsync(definition, cancellationToken: cancellationToken);
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.Conflict)
        {
            // Of an earlier run, in a cluster that is not ours.
        }

        while (true)
        {
            try
            {
                await client.CustomObjects.ListClusterCustomObjectAsync(Group, "v1", Plural, cancellationToken: cancellationToken);
                return;
            }
            // 429: the server prepares the storage of a definition that is new or was changed.
            catch (HttpOperationException e) when (e.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.TooManyRequests)
            {
                await Task.Delay(50, cancellationToken);
            }
        }
    }
}

/// <summary>What a widget is to be.</summary>
public sealed class WidgetSpec
{
    [JsonPropertyName("size")]
    public int Size { get; set; }
}

/// <summary>What a widget is.</summary>
public sealed class WidgetStatus
{
    [JsonPropertyName("size")]
    public int Size { get; set; }

    [JsonPropertyName("observedGeneration")]
    public long ObservedGeneration { get; set; }
}
