using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>What a <see cref="ProcessKubelet"/> runs.</summary>
public sealed record ProcessKubeletOptions
{
    /// <summary>Namespaces whose pods it takes; none means all.</summary>
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>
    /// Which program runs in the place of a container; null for an image that cannot be pulled. Asked at every start of a container, by several at once.
    /// </summary>
    public Func<ContainerLaunch, ContainerProgram?> Program { get; init; } = _ => null;

    /// <summary>Which pods the node takes, of those that nobody has; default all. With several nodes, this is what places pods.</summary>
    public Func<V1Pod, bool> Takes { get; init; } = _ => true;

    /// <summary>
    /// Whether pods run nothing and are ready by their status alone; those that are to end (restartPolicy other than Always) succeed at once. A thousand of
    /// them cost little. Default no.
    /// </summary>
    public bool Fake { get; init; }

    /// <summary>
    /// The address of all pods when they are <see cref="Fake"/>, on which somebody may answer in their place. By default each has one of its own, on which
    /// nobody can.
    /// </summary>
    public string? FakeAddress { get; init; }

    /// <summary>The node's name; by default one that nothing else has.</summary>
    public string NodeName { get; init; } = $"process-{Guid.NewGuid():N}"[..16];

    /// <summary>Further labels of the node, such as <c>topology.kubernetes.io/zone</c>.</summary>
    public IReadOnlyDictionary<string, string> NodeLabels { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// How long the second restart of a container waits; the first does not, each further one twice as long as the one before, at most
    /// <see cref="MaxRestartDelay"/>. Default 1 second (a kubelet: 10).
    /// </summary>
    public TimeSpan RestartDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest time before a restart. Default 10 seconds (a kubelet: 5 minutes).</summary>
    public TimeSpan MaxRestartDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How many times as often as it says a liveness probe must fail before its container ends. Default 1. On a busy machine programs that are well may answer
    /// too late, and a test may count on it that none of them is started again.
    /// </summary>
    public int LivenessPatience { get; init; } = 1;

    /// <summary>Where the data of persistent volume claims is, which other kubelets may share; by default in a folder that goes with this kubelet.</summary>
    public ClaimFolders? Claims { get; init; }
}
