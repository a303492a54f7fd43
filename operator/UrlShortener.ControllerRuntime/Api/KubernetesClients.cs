using k8s;
using k8s.Exceptions;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>The clients of one cluster. Each has its own connections, so that watches and reconciles never delay a lease.</summary>
public sealed class KubernetesClients : IDisposable
{
    /// <summary>Maximum duration of an ordinary request.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Maximum duration of a lease request; two of them fit into the renewal deadline.</summary>
    public static readonly TimeSpan LeaseTimeout = TimeSpan.FromSeconds(5);

    private KubernetesClients(Func<KubernetesClientConfiguration> configure)
    {
        var local = configure();
        Namespace = local.Namespace ?? "default";
        Requests = new ApiClient(local, Timeout, configure);
        Watches = new ApiClient(configure(), Timeout, configure);
        Leases = new ApiClient(configure(), LeaseTimeout, configure);
    }

    /// <summary>For ordinary requests.</summary>
    public ApiClient Requests { get; }

    /// <summary>For lists and watches.</summary>
    public ApiClient Watches { get; }

    /// <summary>For leases.</summary>
    public ApiClient Leases { get; }

    /// <summary>The namespace of the credentials: in a cluster, that of the process.</summary>
    public string Namespace { get; }

    /// <summary>The cluster of KUBECONFIG, else the cluster that this process runs in, else the current context of the user's kubeconfig.</summary>
    /// <exception cref="KubeConfigException">There is no cluster.</exception>
    public static KubernetesClients CreateLocal() => new(FindLocal);

    /// <summary>The same cluster through KubernetesClient's own API, with its own connections; the caller disposes it.</summary>
    /// <exception cref="KubeConfigException">There is no cluster.</exception>
    public static IKubernetes CreateLocalKubernetes()
    {
        var configuration = FindLocal();
        configuration.HttpClientTimeout = Timeout;
        SocketsHttpHandler? handler = null;
        configuration.FirstMessageHandlerSetup = made => HttpSettings.Apply(handler = made);
        var kubernetes = new Kubernetes(configuration);
        AuthorityTrust.Apply(handler!, configuration, FindLocal);
        return kubernetes;
    }

    /// <summary>A cluster with a known address and credentials.</summary>
    public static KubernetesClients Create(Func<KubernetesClientConfiguration> configure) => new(configure);

    /// <inheritdoc/>
    public void Dispose()
    {
        Requests.Dispose();
        Watches.Dispose();
        Leases.Dispose();
    }

    // KubernetesClient's own default prefers a kubeconfig in the home folder to the cluster, and falls back to localhost:8080.
    private static KubernetesClientConfiguration FindLocal() =>
        !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("KUBECONFIG")) ? KubernetesClientConfiguration.BuildDefaultConfig()
        : KubernetesClientConfiguration.IsInCluster() ? KubernetesClientConfiguration.InClusterConfig()
        : KubernetesClientConfiguration.BuildConfigFromConfigFile();
}
