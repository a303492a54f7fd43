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
    [Description("Image of the runtime, with a tag or, better, a digest. On a change the operator migrates the database, then replaces pod by pod.")]
    [Required]
    [Length(1, 512)]
    [RegularExpression("^[a-zA-Z0-9][-a-zA-Z0-9._/:@]*$")]
    public string Image { get; init; } = "";

    /// <summary>When nodes pull the image.</summary>
    [Description("When a node pulls the image.")]
    [OneOf("IfNotPresent", "Always", "Never")]
    public string ImagePullPolicy { get; init; } = "IfNotPresent";

    /// <summary>Credentials of the registry.</summary>
    [Description("Secrets of type kubernetes.io/dockerconfigjson with the credentials of the image registry.")]
    [Length(0, 8)]
    [ListMap("name")]
    public IReadOnlyList<ObjectName> ImagePullSecrets { get; init; } = [];

    /// <summary>The autoscaler's lower bound in the primary region; <c>kubectl scale</c> sets it.</summary>
    [Description("Minimum number of pods while the region is primary, or the only one of its group. kubectl scale sets this field. At most maxReplicas.")]
    [Range(1, 500)]
    public int MinReplicas { get; init; } = 3;

    /// <summary>The autoscaler's upper bound.</summary>
    [Description("Maximum number of pods.")]
    [Range(1, 500)]
    public int MaxReplicas { get; init; } = 20;

    /// <summary>The autoscaler's lower bound in a standby region. 0: cold standby.</summary>
    [Description("Minimum number of pods while the region is standby. At most maxReplicas. With 0 a standby region runs no pods; starting them takes minutes.")]
    [Range(0, 500)]
    public int StandbyMinReplicas { get; init; } = 2;

    /// <summary>Percent of the requested CPU.</summary>
    [Description("CPU use that the autoscaler aims at, in percent of the requested CPU.")]
    [Range(10, 95)]
    public int TargetCPUUtilization { get; init; } = 70;

    /// <summary>CPU and memory of a pod.</summary>
    [Description("CPU and memory of each pod. The autoscaler needs a CPU request.")]
    public ResourcesSpec Resources { get; init; } = ResourcesSpec.Of(cpu: "250m", memory: "256Mi", memoryLimit: "512Mi");

    /// <summary>How pods are spread; empty: over zones and nodes, if possible.</summary>
    [Description("How the scheduler spreads the pods. If empty: evenly over zones, then over nodes, where possible.")]
    [Length(0, 8)]
    public IReadOnlyList<SpreadConstraint> TopologySpreadConstraints { get; init; } = [];

    /// <summary>Node taints that pods tolerate.</summary>
    [Description(
        "Node taints that the pods tolerate. Unless this list covers node.kubernetes.io/not-ready and node.kubernetes.io/unreachable, the operator adds both "
            + "with 30 tolerationSeconds, so that the pods of a lost node are replaced after 30 s instead of Kubernetes' default of 300 s."
    )]
    [Length(0, 16)]
    public IReadOnlyList<Toleration> Tolerations { get; init; } = [];

    /// <summary>Labels of the nodes that may run pods.</summary>
    [Description("Labels that a node must have to run the pods.")]
    [Length(0, 16)]
    [Each(0, 63, Pattern = Patterns.LabelValue)]
    public IReadOnlyDictionary<string, string> NodeSelector { get; init; } = new Dictionary<string, string>();

    /// <summary>Null: the cluster's default.</summary>
    [Description("PriorityClass of the pods. If absent: the cluster's default.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string? PriorityClassName { get; init; }

    /// <summary>Additional labels of pods.</summary>
    [Description("Additional labels of the pods. The prefixes app.kubernetes.io/ and urlshortener.dev/ are reserved for the operator.")]
    [Length(0, 32)]
    [Each(0, 63, Pattern = Patterns.LabelValue)]
    [Rule(
        "self.all(key, !key.startsWith('app.kubernetes.io/') && !key.startsWith('urlshortener.dev/'))",
        "the label prefixes app.kubernetes.io/ and urlshortener.dev/ are reserved for the operator"
    )]
    public IReadOnlyDictionary<string, string> PodLabels { get; init; } = new Dictionary<string, string>();

    /// <summary>Additional annotations of pods.</summary>
    [Description("Additional annotations of the pods. The prefix urlshortener.dev/ is reserved for the operator.")]
    [Length(0, 32)]
    [Each(0, 4096)]
    [Rule("self.all(key, !key.startsWith('urlshortener.dev/'))", "the annotation prefix urlshortener.dev/ is reserved for the operator")]
    public IReadOnlyDictionary<string, string> PodAnnotations { get; init; } = new Dictionary<string, string>();

    /// <summary>Settings of the runtime that the operator does not set.</summary>
    [Description(
        "Settings of the runtime, by the names in its documentation, such as Links:MaxUrlLength or Proxies:Trusted:0. "
            + "Settings that the operator derives from other fields are refused."
    )]
    [Length(0, 64)]
    [ListMap("name")]
    public IReadOnlyList<RuntimeSetting> Settings { get; init; } = [];

    /// <summary>Blocked targets; null: nothing is blocked.</summary>
    [Description("ConfigMap with the blocklist of link targets. Pods reload it when it changes, without a restart. If absent, nothing is blocked.")]
    public ConfigMapKeyRef? BlocklistConfigMapRef { get; init; }

    /// <summary>The Service in front of the pods.</summary>
    [Description("Service in front of the pods.")]
    public ServiceSpec Service { get; init; } = new();

    /// <summary>The NetworkPolicy of the pods.</summary>
    [Description("NetworkPolicy of the pods.")]
    public NetworkPolicySpec NetworkPolicy { get; init; } = new();
}
