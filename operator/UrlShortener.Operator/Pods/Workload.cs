using k8s.Models;

namespace UrlShortener.Operator.Pods;

/// <summary>What stands around pods of the runtime, whatever their role. Pure.</summary>
internal static class Workload
{
    /// <summary>How long each step of a rollout may take before it is reported as stuck, in seconds.</summary>
    private const int ProgressSeconds = 180;

    /// <summary>A Deployment, of which a new pod is ready before an old one goes.</summary>
    /// <param name="selector">Labels of the pods.</param>
    /// <param name="template">The pods.</param>
    /// <param name="replicas">How many; null: that is somebody else's to say.</param>
    public static V1DeploymentSpec BuildDeployment(IDictionary<string, string> selector, V1PodTemplateSpec template, int? replicas = null) => new()
    {
        Replicas = replicas,
        RevisionHistoryLimit = 5,
        ProgressDeadlineSeconds = ProgressSeconds,
        Strategy = new V1DeploymentStrategy { Type = "RollingUpdate", RollingUpdate = new V1RollingUpdateDeployment { MaxUnavailable = 0, MaxSurge = "25%" } },
        Selector = new V1LabelSelector { MatchLabels = selector },
        Template = template,
    };

    /// <summary>A Service in front of the pods' one port.</summary>
    public static V1ServiceSpec BuildService(IDictionary<string, string> selector, string type, int port) => new()
    {
        Type = type,
        Selector = selector,
        Ports = [new V1ServicePort { Name = RuntimePod.PortName, Port = port, TargetPort = RuntimePod.PortName, Protocol = "TCP" }],
    };

    /// <summary>How many pods a drain of nodes may take away at once: a number, or a percentage.</summary>
    public static V1PodDisruptionBudgetSpec BuildDisruptionBudget(IDictionary<string, string> selector, IntOrString most) => new()
    {
        MaxUnavailable = most,
        Selector = new V1LabelSelector { MatchLabels = selector },
    };

    /// <summary>Lets others reach the pods' one port, and nobody any other.</summary>
    /// <param name="selector">Labels of the pods.</param>
    /// <param name="peers">Who may; null: everybody.</param>
    public static V1NetworkPolicySpec BuildNetworkPolicy(IDictionary<string, string> selector, IList<V1NetworkPolicyPeer>? peers = null) => new()
    {
        PodSelector = new V1LabelSelector { MatchLabels = selector },
        PolicyTypes = ["Ingress"],
        Ingress = [new V1NetworkPolicyIngressRule { FromProperty = peers, Ports = [new V1NetworkPolicyPort { Port = RuntimePod.PortName, Protocol = "TCP" }] }],
    };
}
