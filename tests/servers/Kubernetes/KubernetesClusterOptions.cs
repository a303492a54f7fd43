namespace UrlShortener.TestServers.Kubernetes;

/// <summary>What a <see cref="KubernetesCluster"/> is like.</summary>
public sealed record KubernetesClusterOptions
{
    /// <summary>
    /// Whether a <see cref="Network.TcpGate"/> stands before the API server, and kubeconfigs lead through it. The controllers go past it. Default no.
    /// </summary>
    public bool Gated { get; init; }

    /// <summary>Further arguments of kube-apiserver, such as <c>--request-timeout=5s</c>; they go before those that this library makes.</summary>
    public IReadOnlyList<string> ApiServerArguments { get; init; } = [];

    /// <summary>Further arguments of kube-controller-manager; they go before those that this library makes.</summary>
    public IReadOnlyList<string> ControllerManagerArguments { get; init; } = [];
}
