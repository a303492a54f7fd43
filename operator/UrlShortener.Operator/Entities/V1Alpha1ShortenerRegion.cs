using System.ComponentModel;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Entities;

/// <summary>The kind ShortenerRegion: one region of the product.</summary>
[KubernetesEntity(Group = ApiGroup.Name, ApiVersion = ApiGroup.Version, Kind = KubeKind, PluralName = KubePlural)]
[Description("A region of the URL shortener: the app with what it stands on, the traffic that is led to it, and its part in failovers.")]
[Names("shortenerregion", "ShortenerRegionList", "sregion", "srg")]
[ScaleSubresource(".spec.app.minReplicas", ".status.app.replicas", LabelSelectorPath = ".status.app.selector")]
[PrinterColumn("Region", ".spec.region")]
[PrinterColumn("Role", ".status.role")]
[PrinterColumn("Ready", ".status.conditions[?(@.type==\"Ready\")].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type==\"Ready\")].reason")]
[PrinterColumn("Weight", ".status.traffic.effectiveWeight", Type = "integer")]
[PrinterColumn("App", ".status.app.readyReplicas", Type = "integer")]
[PrinterColumn("PG-Leader", ".status.postgres.leader")]
[PrinterColumn("Lag", ".status.postgres.standbyLagSeconds", Type = "integer")]
[PrinterColumn("Redis", ".status.redis.state")]
[PrinterColumn("Failover", ".status.failover.state")]
[PrinterColumn("Age", ".metadata.creationTimestamp", Type = "date")]
[PrinterColumn("Epoch", ".status.topology.epoch", Type = "integer", IsWide = true)]
[PrinterColumn("Timeline", ".status.postgres.timeline", Type = "integer", IsWide = true)]
[PrinterColumn("Slots", ".status.redis.slotsAssigned", Type = "integer", IsWide = true)]
[PrinterColumn("Observed", ".status.observedGeneration", Type = "integer", IsWide = true)]
internal sealed class V1Alpha1ShortenerRegion : IKubernetesObject<V1ObjectMeta>, ISpec<RegionSpec>, IStatus<RegionStatus?>
{
    /// <summary>The kind's name.</summary>
    public const string KubeKind = "ShortenerRegion";

    /// <summary>The kind's name in paths of the API.</summary>
    public const string KubePlural = "shortenerregions";

    /// <inheritdoc />
    public string ApiVersion { get; set; } = ApiGroup.ApiVersion;

    /// <inheritdoc />
    public string Kind { get; set; } = KubeKind;

    /// <inheritdoc />
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <summary>What is wanted; the user's.</summary>
    [Description("What this region is to be.")]
    public RegionSpec Spec { get; set; } = new();

    /// <summary>What was found; the operator's. Null until the first reconcile.</summary>
    [Description("What the operator found and did. Written by the operator only.")]
    public RegionStatus? Status { get; set; }

    /// <summary>The same object with another status.</summary>
    public V1Alpha1ShortenerRegion WithStatus(RegionStatus status) => new() { ApiVersion = ApiVersion, Kind = Kind, Metadata = Metadata, Spec = Spec, Status = status };
}
