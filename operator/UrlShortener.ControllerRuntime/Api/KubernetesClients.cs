using k8s;
using k8s.Exceptions;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>The clients of one cluster. Each has connections of its own, so that watches and a busy reconcile never delay a lease.</summary>
public sealed class KubernetesClients : IDisposable
{
    /// <summary>Longest time for an ordinary request.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Longest time for a request on a lease; two of them fit into the time in which a lease must be renewed.</summary>
    public static readonly TimeSpan LeaseTimeout = TimeSpan.FromSeconds(5);

    private KubernetesClients(Func<KubernetesClientConfiguration> configure)
    {
        var local = configure();
        Namespace = local.Namespace ?? "default";
        Requests = new ApiClient(local, Timeout);
        Watches = new ApiClient(configure(), Timeout);
        Leases = new ApiClient(configure(), LeaseTimeout);
    }

    /// <summary>For ordinary requests.</summary>
    public ApiClient Requests { get; }

    /// <summary>For lists and watches.</summary>
    public ApiClient Watches { get; }

    /// <summary>For leases.</summary>
    public ApiClient Leases { get; }

    /// <summary>The namespace that the credentials belong to: in a cluster, that of the process.</summary>
    public string Namespace { get; }

    /// <summary>The cluster that KUBECONFIG names, else the one that this process runs in, else the current one of the user's kubeconfig.</summary>
    /// <exception cref="KubeConfigException">There is none.</exception>
    public static KubernetesClients CreateLocal() => new(FindLocal);

    /// <summary>The same cluster through KubernetesClient's own calls, on connections of their own; the caller disposes it.</summary>
    /// <exception cref="KubeConfigException">There is none.</exception>
    public static IKubernetes CreateLocalKubernetes()
    {
        var configuration = FindLocal();
        configuration.FirstMessageHandlerSetup = HttpSettings.Apply;
        configuration.HttpClientTimeout = Timeout;
        return new Kubernetes(configuration);
    }

    /// <summary>A cluster of known address and credentials.</summary>
    public static KubernetesClients Create(Func<KubernetesClientConfiguration> configure) => new(configure);

    /// <inheritdoc/>
    public void Dispose()
    {
        Requests.Dispose();
        Watches.Dispose();
        Leases.Dispose();
    }

    // KubernetesClient's own default would prefer a kubeconfig in the home folder to the cluster, and take localhost:8080 for one when there is none.
    private static KubernetesClientConfiguration FindLocal() =>
        !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("KUBECONFIG")) ? KubernetesClientConfiguration.BuildDefaultConfig()
        : KubernetesClientConfiguration.IsInCluster() ? KubernetesClientConfiguration.InClusterConfig()
        : KubernetesClientConfiguration.BuildConfigFromConfigFile();
}
