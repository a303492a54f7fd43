using k8s.Models;
using UrlShortener.Operator.Apply;

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

    /// <summary>A Service in front of the pods' public port. Metrics, probes and key generation have another one, which no Service has.</summary>
    public static V1ServiceSpec BuildService(IDictionary<string, string> selector, string type, int port) =>
        new()
        {
            Type = type,
            Selector = selector,
            // With Local, nodes without a pod would not reach the Service.
            InternalTrafficPolicy = "Cluster",
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

    /// <summary>
    /// Admits the operator and Prometheus, in any namespace, to the management port, and sources to the public port. Nobody reaches other ports. Probes of the
    /// kubelet come from the pod's node, which a policy does not keep out.
    /// </summary>
    /// <param name="selector">Labels of the pods.</param>
    /// <param name="isPublic">Whether everyone reaches the public port; otherwise, only the operator and Prometheus do.</param>
    public static V1NetworkPolicySpec BuildNetworkPolicy(IDictionary<string, string> selector, bool isPublic) =>
        new()
        {
            PodSelector = new V1LabelSelector { MatchLabels = selector },
            PolicyTypes = ["Ingress"],
            Ingress = [Admit(RuntimePod.PortName, isPublic ? null : Platform()), Admit(RuntimePod.ManagementPortName, Platform())],
        };

    /// <summary>Admits peers to a port.</summary>
    /// <param name="port">Number of the port, or its name in the container.</param>
    /// <param name="peers">The peers; null: everyone.</param>
    public static V1NetworkPolicyIngressRule Admit(string port, IEnumerable<V1NetworkPolicyPeer>? peers) =>
        new() { FromProperty = peers?.ToList(), Ports = [new V1NetworkPolicyPort { Port = port, Protocol = "TCP" }] };

    /// <summary>Pods of the same namespace.</summary>
    /// <param name="selector">Their labels.</param>
    public static V1NetworkPolicyPeer FromPods(IDictionary<string, string> selector) => new() { PodSelector = new V1LabelSelector { MatchLabels = selector } };

    /// <summary>Pods of a program, in any namespace.</summary>
    /// <param name="program">Its name.</param>
    public static V1NetworkPolicyPeer FromProgram(string program) =>
        new()
        {
            NamespaceSelector = new V1LabelSelector(),
            PodSelector = new V1LabelSelector { MatchLabels = Labels.SelectorOfProgram(program) },
        };

    private static List<V1NetworkPolicyPeer> Platform() => [FromProgram(Labels.Manager), FromProgram("prometheus")];
}
