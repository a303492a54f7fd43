using System.Text.Json.Nodes;
using k8s;
using k8s.Models;

namespace UrlShortener.Operator.Traffic;

/// <summary>The kind HTTPRoute of the Gateway API. Not every cluster serves it.</summary>
[KubernetesEntity(Group = ApiGroupName, ApiVersion = "v1", Kind = KubeKind, PluralName = "httproutes")]
internal sealed class V1HttpRoute : IKubernetesObject<V1ObjectMeta>
{
    /// <summary>The kind's group.</summary>
    public const string ApiGroupName = "gateway.networking.k8s.io";

    /// <summary>The kind's name.</summary>
    public const string KubeKind = "HTTPRoute";

    /// <inheritdoc />
    public string ApiVersion { get; set; } = $"{ApiGroupName}/v1";

    /// <inheritdoc />
    public string Kind { get; set; } = KubeKind;

    /// <inheritdoc />
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <summary>The specification with all of its fields, also those that this operator does not know and others have set.</summary>
    public JsonObject? Spec { get; set; }

    /// <summary>What the controllers of Gateways report.</summary>
    public JsonObject? Status { get; set; }
}
