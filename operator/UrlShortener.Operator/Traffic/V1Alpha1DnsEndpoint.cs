using System.Text.Json.Nodes;
using k8s;
using k8s.Models;

namespace UrlShortener.Operator.Traffic;

/// <summary>The kind DNSEndpoint of external-dns: DNS records. Not every cluster serves it.</summary>
[KubernetesEntity(Group = "externaldns.k8s.io", ApiVersion = "v1alpha1", Kind = KubeKind, PluralName = "dnsendpoints")]
internal sealed class V1Alpha1DnsEndpoint : IKubernetesObject<V1ObjectMeta>
{
    /// <summary>The kind's name.</summary>
    public const string KubeKind = "DNSEndpoint";

    /// <inheritdoc />
    public string ApiVersion { get; set; } = "externaldns.k8s.io/v1alpha1";

    /// <inheritdoc />
    public string Kind { get; set; } = KubeKind;

    /// <inheritdoc />
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <summary>The specification with all of its fields, also those that this operator does not know and others have set.</summary>
    public JsonObject? Spec { get; set; }

    /// <summary>What external-dns reports.</summary>
    public JsonObject? Status { get; set; }
}
