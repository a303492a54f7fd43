using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The Service in front of the app's pods.</summary>
internal sealed record ServiceSpec
{
    /// <summary>The Service's type.</summary>
    [Description(
        "Type of the Service. ClusterIP: reachable inside the cluster. NodePort: on a port of every node. LoadBalancer: through a load balancer of the "
            + "platform."
    )]
    [OneOf("ClusterIP", "NodePort", "LoadBalancer")]
    public string Type { get; init; } = "ClusterIP";

    /// <summary>The Service's port.</summary>
    [Description("Port of the Service.")]
    [Range(1, 65_535)]
    public int Port { get; init; } = 80;

    /// <summary>Annotations for the platform's load balancer.</summary>
    [Description(
        "Annotations of the Service, such as those that configure the platform's load balancer. The prefix urlshortener.dev/ is reserved for the operator."
    )]
    [Length(0, 32)]
    [Each(0, 4096)]
    [Rule("self.all(key, !key.startsWith('urlshortener.dev/'))", "the annotation prefix urlshortener.dev/ is reserved for the operator")]
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();
}
