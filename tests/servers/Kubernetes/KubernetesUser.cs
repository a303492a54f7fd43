namespace UrlShortener.TestServers.Kubernetes;

/// <summary>Somebody whom the API server knows by a token: a service account. The name is the one that RBAC and the audit log use.</summary>
public sealed record KubernetesUser(string Name, string Kubeconfig)
{
    /// <summary>The user's name in RBAC and in the audit log: <c>system:serviceaccount:NAMESPACE:NAME</c>.</summary>
    public string Name { get; } = Name;

    /// <summary>Path of a kubeconfig with the user's token.</summary>
    public string Kubeconfig { get; } = Kubeconfig;
}
