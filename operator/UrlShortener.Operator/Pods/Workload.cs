using k8s.Models;

namespace UrlShortener.Operator.Pods;

/// <summary>Builds the objects around pods of the runtime, in any role. Pure.</summary>
internal static class Workload
{
    /// <summary>Seconds without progress after which a rollout counts as stuck.</summary>
    private const int ProgressSeconds = 180;

    /// <summary>A Deployment that starts a new pod before it stops an old one.</summary>
    /// <param name="selector">Labels of the pods.</param>
    /// <param name="template">The pods.</param>
    /// <param name="replicas">Number of pods; null: another manager owns it.</param>
    public static V1DeploymentSpec BuildDeployment(IDictionary<string, string> selector, V1PodTemplateSpec template, int? replicas = null) =>
        new()
        {
            Replicas = replicas,
            RevisionHistoryLimit = 5,
            ProgressDeadlineSeconds = ProgressSeconds,
            Strategy = new V1DeploymentStrategy
            {
                Type = "RollingUpdate",
                RollingUpdate = new V1RollingUpdateDeployment { MaxUnavailable = 0, MaxSurge = "25%" },
            },
            Selector = new V1LabelSelector { MatchLabels = selector },
            Template = template,
        };

    /// <summary>A Service in front of the pods' one port.</summary>
    public static V1ServiceSpec BuildService(IDictionary<string, string> selector, string type, int port) =>
        new()
        {
            Type = type,
            Selector = selector,
            Ports =
            [
                new V1ServicePort
                {
                    Name = RuntimePod.PortName,
                    Port = port,
                    TargetPort = RuntimePod.PortName,
                    Protocol = "TCP",
                },
            ],
        };

    /// <summary>Limits how many pods a drain of nodes evicts at once: a number or a percentage.</summary>
    public static V1PodDisruptionBudgetSpec BuildDisruptionBudget(IDictionary<string, string> selector, IntOrString most) =>
        new()
        {
            MaxUnavailable = most,
            Selector = new V1LabelSelector { MatchLabels = selector },
        };

    /// <summary>Admits connections to the pods' port, and none to other ports.</summary>
    /// <param name="selector">Labels of the pods.</param>
    /// <param name="peers">Allowed sources; null: all.</param>
    public static V1NetworkPolicySpec BuildNetworkPolicy(IDictionary<string, string> selector, IList<V1NetworkPolicyPeer>? peers = null) =>
        new()
        {
            PodSelector = new V1LabelSelector { MatchLabels = selector },
            PolicyTypes = ["Ingress"],
            Ingress =
            [
                new V1NetworkPolicyIngressRule { FromProperty = peers, Ports = [new V1NetworkPolicyPort { Port = RuntimePod.PortName, Protocol = "TCP" }] },
            ],
        };
}
