using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The Service in front of the app's pods.</summary>
internal sealed record ServiceSpec
{
    /// <summary>How far the Service reaches.</summary>
    [Description("How far the Service reaches: inside the cluster, a port of every node, or a load balancer of the platform.")]
    [OneOf("ClusterIP", "NodePort", "LoadBalancer")]
    public string Type { get; init; } = "ClusterIP";

    /// <summary>The Service's port.</summary>
    [Description("Port of the Service.")]
    [Range(1, 65_535)]
    public int Port { get; init; } = 80;

    /// <summary>For the platform's load balancer.</summary>
    [Description("Annotations of the Service, for the platform's load balancer. Those of urlshortener.dev are the operator's.")]
    [Length(0, 32)]
    [Each(0, 4096)]
    [Rule("self.all(key, !key.startsWith('urlshortener.dev/'))", "annotations of urlshortener.dev are the operator's")]
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();
}
