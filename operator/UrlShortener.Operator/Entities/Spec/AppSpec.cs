using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The processes that redirect and serve the API.</summary>
[Rule("self.minReplicas <= self.maxReplicas", "minReplicas must be at most maxReplicas")]
[Rule("self.standbyMinReplicas <= self.maxReplicas", "standbyMinReplicas must be at most maxReplicas")]
internal sealed record AppSpec
{
    /// <summary>The runtime's image.</summary>
    [Description("Image of the runtime, with a tag or, better, a digest. A change rolls out pod by pod, after the tables were brought up to date.")]
    [Required]
    [Length(1, 512)]
    [RegularExpression("^[a-zA-Z0-9][-a-zA-Z0-9._/:@]*$")]
    public string Image { get; init; } = "";

    /// <summary>When nodes fetch the image.</summary>
    [Description("When a node fetches the image.")]
    [OneOf("IfNotPresent", "Always", "Never")]
    public string ImagePullPolicy { get; init; } = "IfNotPresent";

    /// <summary>Secrets to fetch the image with.</summary>
    [Description("Secrets of the type kubernetes.io/dockerconfigjson that the image is fetched with.")]
    [Length(0, 8)]
    [ListMap("name")]
    public IReadOnlyList<ObjectName> ImagePullSecrets { get; init; } = [];

    /// <summary>The autoscaler's floor in the primary region, and what <c>kubectl scale</c> sets.</summary>
    [Description("Fewest pods while the region is primary, or alone in its group. The autoscaler decides above it. This is what kubectl scale sets. At most maxReplicas.")]
    [Range(1, 500)]
    public int MinReplicas { get; init; } = 3;

    /// <summary>The autoscaler's ceiling.</summary>
    [Description("Most pods.")]
    [Range(1, 500)]
    public int MaxReplicas { get; init; } = 20;

    /// <summary>The autoscaler's floor in a standby region. 0: cold standby.</summary>
    [Description("Fewest pods while the region is standby. At most maxReplicas. 0: no pods at all, which costs minutes at a failover.")]
    [Range(0, 500)]
    public int StandbyMinReplicas { get; init; } = 2;

    /// <summary>Percent of the requested CPU that the autoscaler aims at.</summary>
    [Description("Use of the requested CPU, in percent, that the autoscaler aims at.")]
    [Range(10, 95)]
    public int TargetCPUUtilization { get; init; } = 70;

    /// <summary>Percent.</summary>
    [Description("Pods that a region is given before it takes over another's traffic, in percent of the other's.")]
    [Range(100, 300)]
    public int SurgeFactorPercent { get; init; } = 130;

    /// <summary>What a pod asks for and may use.</summary>
    [Description("CPU and memory of each pod. The autoscaler needs a request for CPU.")]
    public ResourcesSpec Resources { get; init; } = ResourcesSpec.Of(cpu: "250m", memory: "256Mi", memoryLimit: "512Mi");

    /// <summary>How pods are spread; empty: over zones and nodes, when possible.</summary>
    [Description("How pods are spread. Empty: over zones and then over nodes, as evenly as can be.")]
    [Length(0, 8)]
    public IReadOnlyList<SpreadConstraint> TopologySpreadConstraints { get; init; } = [];

    /// <summary>Taints that pods tolerate.</summary>
    [Description("Taints of nodes that the pods tolerate.")]
    [Length(0, 16)]
    public IReadOnlyList<Toleration> Tolerations { get; init; } = [];

    /// <summary>Labels of the nodes that pods may run on.</summary>
    [Description("Labels that a node must have for the pods to run on it.")]
    [Length(0, 16)]
    [Each(0, 63, Pattern = Patterns.LabelValue)]
    public IReadOnlyDictionary<string, string> NodeSelector { get; init; } = new Dictionary<string, string>();

    /// <summary>Null: the cluster's default.</summary>
    [Description("PriorityClass of the pods. Absent: the cluster's default.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string? PriorityClassName { get; init; }

    /// <summary>Further labels of pods.</summary>
    [Description("Further labels of the pods. Those of app.kubernetes.io and urlshortener.dev are the operator's.")]
    [Length(0, 32)]
    [Each(0, 63, Pattern = Patterns.LabelValue)]
    [Rule("self.all(key, !key.startsWith('app.kubernetes.io/') && !key.startsWith('urlshortener.dev/'))", "labels of app.kubernetes.io and urlshortener.dev are the operator's")]
    public IReadOnlyDictionary<string, string> PodLabels { get; init; } = new Dictionary<string, string>();

    /// <summary>Further annotations of pods.</summary>
    [Description("Further annotations of the pods. Those of urlshortener.dev are the operator's.")]
    [Length(0, 32)]
    [Each(0, 4096)]
    [Rule("self.all(key, !key.startsWith('urlshortener.dev/'))", "annotations of urlshortener.dev are the operator's")]
    public IReadOnlyDictionary<string, string> PodAnnotations { get; init; } = new Dictionary<string, string>();

    /// <summary>Settings of the runtime that the operator does not make itself.</summary>
    [Description("Settings of the runtime, as its documentation names them, such as Links:MaxUrlLength or Proxies:Trusted:0. Those that follow from other fields are refused.")]
    [Length(0, 64)]
    [ListMap("name")]
    public IReadOnlyList<RuntimeSetting> Settings { get; init; } = [];

    /// <summary>Targets that links may not have; null: none are blocked.</summary>
    [Description("ConfigMap with the blocklist of targets. Read again when it changes, without a restart. Absent: nothing is blocked.")]
    public ConfigMapKeyRef? BlocklistConfigMapRef { get; init; }

    /// <summary>The Service in front of the pods.</summary>
    [Description("The Service in front of the pods.")]
    public ServiceSpec Service { get; init; } = new();

    /// <summary>Who may reach the pods.</summary>
    [Description("Who may reach the pods.")]
    public NetworkPolicySpec NetworkPolicy { get; init; } = new();
}
