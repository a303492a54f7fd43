using System.ComponentModel;
using System.Text.Json.Serialization;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Entities;

/// <summary>The kind ShortenerRegion: one region of the product.</summary>
[KubernetesEntity(Group = ApiGroup.Name, ApiVersion = ApiGroup.Version, Kind = KubeKind, PluralName = KubePlural)]
[Description("A region of the URL shortener: the app, its connections to PostgreSQL and Redis, and its role in a group of regions.")]
[Names("shortenerregion", "ShortenerRegionList", "sregion", "srg")]
[ScaleSubresource(".spec.app.minReplicas", ".status.app.replicas", LabelSelectorPath = ".status.app.selector")]
[PrinterColumn("Region", ".spec.region")]
[PrinterColumn("Role", ".status.role")]
[PrinterColumn("Ready", ".status.conditions[?(@.type==\"Ready\")].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type==\"Ready\")].reason")]
[PrinterColumn("App", ".status.app.readyReplicas", Type = "integer")]
[PrinterColumn("PG-Primary", ".status.postgres.primary")]
[PrinterColumn("Epoch", ".status.topology.epoch", Type = "integer")]
[PrinterColumn("Age", ".metadata.creationTimestamp", Type = "date")]
[PrinterColumn("Redis", ".status.redis.state", IsWide = true)]
[PrinterColumn("Failover", ".status.failover.phase", IsWide = true)]
[PrinterColumn("Cluster", ".spec.cluster.name", IsWide = true)]
[PrinterColumn("Observed", ".status.observedGeneration", Type = "integer", IsWide = true)]
internal sealed class V1Alpha1ShortenerRegion : IKubernetesObject<V1ObjectMeta>, ISpec<RegionSpec>, IStatus<RegionStatus?>
{
    /// <summary>The kind's name.</summary>
    public const string KubeKind = "ShortenerRegion";

    /// <summary>The kind's name in API paths.</summary>
    public const string KubePlural = "shortenerregions";

    /// <inheritdoc />
    public string ApiVersion { get; set; } = ApiGroup.ApiVersion;

    /// <inheritdoc />
    public string Kind { get; set; } = KubeKind;

    /// <inheritdoc />
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <summary>Desired state, written by the user.</summary>
    [Description("Desired state of the region.")]
    public RegionSpec Spec { get; set; } = new();

    /// <summary>Observed state, written by the operator. Null until the first reconcile.</summary>
    [Description("Observed state of the region. Only the operator writes it.")]
    public RegionStatus? Status { get; set; }

    /// <summary>Whether the operator of another cluster runs the region. Set when the object enters the cache (<see cref="Clusters.OwnCluster"/>).</summary>
    [JsonIgnore]
    public bool IsRemote { get; set; }

    /// <summary>A copy of the object with another status.</summary>
    public V1Alpha1ShortenerRegion WithStatus(RegionStatus status) =>
        new()
        {
            ApiVersion = ApiVersion,
            Kind = Kind,
            Metadata = Metadata,
            Spec = Spec,
            Status = status,
            IsRemote = IsRemote,
        };
}
