using k8s;
using k8s.Exceptions;
using k8s.KubeConfigModels;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>The clients of one cluster. Each has connections of its own, so that watches and a busy reconcile never delay a lease.</summary>
public sealed class KubernetesClients : IDisposable
{
    /// <summary>Longest time for an ordinary request.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Longest time for a request on a lease; two of them fit into the time in which a lease must be renewed.</summary>
    public static readonly TimeSpan LeaseTimeout = TimeSpan.FromSeconds(5);

    private KubernetesClients(Func<KubernetesClientConfiguration> configure, TimeSpan timeout)
    {
        var local = configure();
        Namespace = local.Namespace ?? "default";
        Requests = new ApiClient(local, timeout);
        Watches = new ApiClient(configure(), timeout < Timeout ? Timeout : timeout);
        Leases = new ApiClient(configure(), timeout < LeaseTimeout ? timeout : LeaseTimeout);
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
    public static KubernetesClients CreateLocal() => new(FindLocal, Timeout);

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
    public static KubernetesClients Create(Func<KubernetesClientConfiguration> configure) => new(configure, Timeout);

    /// <summary>Another cluster, from a kubeconfig that somebody put into a Secret.</summary>
    /// <param name="kubeconfig">The file's content.</param>
    /// <param name="timeout">Longest time for an ordinary request.</param>
    /// <exception cref="KubeConfigException">It cannot be read, or it would run a program or read a file of this machine.</exception>
    public static KubernetesClients CreateRemote(ReadOnlyMemory<byte> kubeconfig, TimeSpan timeout)
    {
        using var stream = new MemoryStream(kubeconfig.ToArray());
        var read = KubernetesClientConfiguration.LoadKubeConfig(stream);
        if (FindUnsafe(read) is { } found)
            throw new KubeConfigException($"A kubeconfig from a Secret must not use {found}. Put the data itself into it.");
        return new KubernetesClients(() => KubernetesClientConfiguration.BuildConfigFromConfigObject(read), timeout);
    }

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

    /// <summary>
    /// What in a kubeconfig reaches beyond itself: a plugin is a program that would run here, and a file's content, such as this process's own token, would
    /// be sent to an address that the kubeconfig names.
    /// </summary>
    private static string? FindUnsafe(K8SConfiguration read)
    {
        foreach (var user in (read.Users ?? []).Select(user => user.UserCredentials).OfType<UserCredentials>())
        {
            if (user.ExternalExecution is not null)
                return "exec";
            if (user.AuthProvider is not null)
                return "auth-provider";
            if (!string.IsNullOrEmpty(user.ClientCertificate) || !string.IsNullOrEmpty(user.ClientKey))
                return "client-certificate or client-key";
        }

        return (read.Clusters ?? []).Any(cluster => !string.IsNullOrEmpty(cluster.ClusterEndpoint?.CertificateAuthority)) ? "certificate-authority" : null;
    }
}
