using System.Globalization;
using System.Net;
using k8s;
using k8s.Models;
using UrlShortener.TestServers.Kubernetes.Services;
using UrlShortener.TestServers.Network;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>
/// A real Kubernetes API server with the real controllers, for tests. It has no nodes: without a process kubelet pods stay Pending. It is the first of
/// these that is available: the cluster of the current kubeconfig, when USE_EXISTING_CLUSTER is true; programs on this machine (KUBEBUILDER_ASSETS,
/// /usr/local/kubebuilder/bin, a ready build beside the checkout); a container. Otherwise there is a <see cref="ServerUnavailableException"/>. Local
/// processes end with this process, whichever way that ends.
/// <example>
/// <code>
/// await using var cluster = await KubernetesCluster.StartAsync(new(), token);
/// using var client = cluster.CreateClient();
/// await using var space = await cluster.CreateNamespaceAsync("rolling", token);
/// var writes = await cluster.ReadAuditAsync(one => one.IsWrite &amp;&amp; one.Namespace == space.Name, token);
/// </code>
/// </example>
/// </summary>
public sealed class KubernetesCluster : IAsyncDisposable
{
    private const string ExistingVariable = "USE_EXISTING_CLUSTER";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Null where the cluster is not of local processes.</summary>
    private readonly ControlPlane? _controlPlane;
    private readonly IAsyncDisposable? _container;
    private readonly ServerFolder _folder;
    private KubernetesClientConfiguration _configuration;
    private k8s.Kubernetes _client;

    private KubernetesCluster(string kubeconfig, KubernetesVersion version, ControlPlane? controlPlane, IAsyncDisposable? container)
    {
        Kubeconfig = kubeconfig;
        Version = version;
        _controlPlane = controlPlane;
        _container = container;
        _folder = controlPlane?.Folder ?? ServerFolder.Create(onDisk: true);
        _configuration = KubernetesClientConfiguration.BuildConfigFromConfigFile(kubeconfig);
        _client = CreateClient(kubeconfig);
    }

    /// <summary>Path of the administrator's kubeconfig.</summary>
    public string Kubeconfig { get; }

    /// <summary>Which Kubernetes it is.</summary>
    public KubernetesVersion Version { get; }

    /// <summary>Address of the API server as the kubeconfig has it.</summary>
    public Uri Address => new(_configuration.Host);

    /// <summary>Whether the control plane is of local processes, so that it can be stopped and frozen, and has an audit log.</summary>
    public bool IsLocal => _controlPlane is not null;

    /// <summary>The administrator's bearer token.</summary>
    /// <exception cref="ServerUnavailableException">The cluster is not of local processes.</exception>
    public string AdminToken => Local("The administrator's token").AdminToken;

    /// <summary>The gate before the API server, where there is one.</summary>
    public TcpGate? Gate => _controlPlane?.Gate;

    /// <summary>Numbers of the control plane's processes; none where it is not local.</summary>
    public IReadOnlyList<int> ProcessIds => _controlPlane?.ProcessIds ?? [];

    /// <summary>Starts a cluster, or finds one, and returns when it answers and its controllers work.</summary>
    /// <exception cref="ServerUnavailableException">None can be had here.</exception>
    public static async Task<KubernetesCluster> StartAsync(KubernetesClusterOptions options, CancellationToken cancellationToken)
    {
        if (string.Equals(Environment.GetEnvironmentVariable(ExistingVariable), "true", StringComparison.OrdinalIgnoreCase))
            return await UseAsync(FindKubeconfig(), null, cancellationToken);
        var (programs, missing) = await KubernetesPrograms.FindAsync(cancellationToken);
        if (programs is not null)
            return await StartLocallyAsync(programs, options, cancellationToken);
        var (container, text) = await KubernetesContainer.StartAsync(cancellationToken);
        if (container is not null)
            return await UseAsync(await KubernetesContainer.WriteAsync(text, cancellationToken), container, cancellationToken);
        throw new ServerUnavailableException(
            $"No Kubernetes API server is available: {missing}; {text}. Do one of these: set {ExistingVariable}=true to use the cluster of the current "
                + "kubeconfig; "
                + $"set {KubernetesPrograms.FolderVariable} to a folder with etcd, kube-apiserver and kube-controller-manager; allow the download of "
                + "these programs; "
                + "start a container engine."
        );
    }

    /// <summary>A client of the administrator; the caller disposes it.</summary>
    public IKubernetes CreateClient() => CreateClient(Kubeconfig);

    /// <summary>A client of the administrator that goes past the gate, for what belongs to the cluster itself; the caller disposes it.</summary>
    internal IKubernetes CreateDirectClient()
    {
        var configuration = KubernetesClientConfiguration.BuildConfigFromConfigFile(Kubeconfig);
        if (_controlPlane is not null)
            configuration.Host = _controlPlane.DirectAddress.GetLeftPart(UriPartial.Authority);
        return new k8s.Kubernetes(configuration);
    }

    /// <summary>Certificates of the authority that clients trust.</summary>
    internal string AuthorityPem => string.Concat((_configuration.SslCaCerts ?? []).Select(certificate => certificate.ExportCertificatePem() + "\n"));

    /// <summary>A client of a user; the caller disposes it.</summary>
    public static IKubernetes CreateClient(KubernetesUser user) => CreateClient(user.Kubeconfig);

    /// <summary>Makes a namespace whose name begins with <paramref name="prefix"/>, and returns when pods can be made in it.</summary>
    public Task<KubernetesNamespace> CreateNamespaceAsync(string prefix, CancellationToken cancellationToken) =>
        CreateNamespaceOfNameAsync(NewName(prefix), cancellationToken);

    /// <summary>A name for a namespace that no other one has.</summary>
    public static string NewName(string prefix) => $"{prefix}-{Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture)[..10]}";

    /// <summary>Makes a namespace, such as one that several clusters have, and returns when pods can be made in it.</summary>
    public async Task<KubernetesNamespace> CreateNamespaceOfNameAsync(string name, CancellationToken cancellationToken)
    {
        await _client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = name } }, cancellationToken: cancellationToken);
        await Poll.UntilAsync(
            $"the namespace {name} has a service account",
            Limit,
            async token => (await _client.CoreV1.ListNamespacedServiceAccountAsync(name, cancellationToken: token)).Items.Count > 0 ? null : "none",
            cancellationToken
        );
        return new KubernetesNamespace(_client, name);
    }

    /// <summary>
    /// Makes a user who may do what <paramref name="rules"/> say and no more: a service account of a namespace. The rules hold in that namespace, or
    /// everywhere with <paramref name="everywhere"/>.
    /// </summary>
    public async Task<KubernetesUser> MakeUserAsync(
        string namespaceName,
        string name,
        IList<V1PolicyRule> rules,
        bool everywhere,
        CancellationToken cancellationToken
    )
    {
        var account = new V1ServiceAccount { Metadata = new V1ObjectMeta { Name = name } };
        await _client.CoreV1.CreateNamespacedServiceAccountAsync(account, namespaceName, cancellationToken: cancellationToken);
        Rbacv1Subject[] subjects =
        [
            new()
            {
                Kind = "ServiceAccount",
                Name = name,
                NamespaceProperty = namespaceName,
            },
        ];
        if (everywhere)
        {
            // The namespace's name keeps it from those of other tests.
            var metadata = new V1ObjectMeta { Name = $"{namespaceName}-{name}" };
            await _client.RbacAuthorizationV1.CreateClusterRoleAsync(
                new V1ClusterRole { Metadata = metadata, Rules = rules },
                cancellationToken: cancellationToken
            );
            var binding = new V1ClusterRoleBinding
            {
                Metadata = metadata,
                Subjects = subjects,
                RoleRef = RoleReference("ClusterRole", metadata.Name),
            };
            await _client.RbacAuthorizationV1.CreateClusterRoleBindingAsync(binding, cancellationToken: cancellationToken);
        }
        else
        {
            var metadata = new V1ObjectMeta { Name = name };
            await _client.RbacAuthorizationV1.CreateNamespacedRoleAsync(
                new V1Role { Metadata = metadata, Rules = rules },
                namespaceName,
                cancellationToken: cancellationToken
            );
            var binding = new V1RoleBinding
            {
                Metadata = metadata,
                Subjects = subjects,
                RoleRef = RoleReference("Role", name),
            };
            await _client.RbacAuthorizationV1.CreateNamespacedRoleBindingAsync(binding, namespaceName, cancellationToken: cancellationToken);
        }

        return await GetUserAsync(namespaceName, name, cancellationToken);
    }

    /// <summary>The user that a service account is, whose rights come from elsewhere, such as the operator's own manifests. The token is valid for ten
    /// hours.</summary>
    public async Task<KubernetesUser> GetUserAsync(string namespaceName, string serviceAccount, CancellationToken cancellationToken)
    {
        var request = new Authenticationv1TokenRequest
        {
            Spec = new V1TokenRequestSpec { Audiences = [], ExpirationSeconds = 36_000 },
        };
        var answer = await _client.CoreV1.CreateNamespacedServiceAccountTokenAsync(
            request,
            serviceAccount,
            namespaceName,
            cancellationToken: cancellationToken
        );
        var file = $"{namespaceName}-{serviceAccount}-{Guid.NewGuid():N}";
        var path = await KubeconfigFile.WriteAsync(_folder, file, Address, AuthorityPem, answer.Status.Token, cancellationToken);
        return new KubernetesUser($"system:serviceaccount:{namespaceName}:{serviceAccount}", path);
    }

    /// <summary>
    /// The requests that the API server has answered and that match, in the order of the answers. Reads of the API server itself and of the controllers are
    /// not among them.
    /// </summary>
    /// <exception cref="ServerUnavailableException">The cluster is not of local processes.</exception>
    public async Task<IReadOnlyList<AuditEvent>> ReadAuditAsync(Func<AuditEvent, bool> matches, CancellationToken cancellationToken)
    {
        var path = Local("Reading the audit log").AuditLogPath;
        await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        var text = await reader.ReadToEndAsync(cancellationToken);
        // The last line may be half written.
        return [.. text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(AuditEvent.Parse).Where(matches)];
    }

    /// <summary>
    /// Waits up to five minutes until a Service leads to a pod that is ready, and returns the pod's address. There is no kube-proxy: what stands behind a
    /// Service must be asked for, or reached through a <see cref="ServiceProxy"/>. The port is the Service's, by number or name.
    /// </summary>
    public async Task<IPEndPoint> ServiceAddressAsync(string namespaceName, string service, IntOrString port, CancellationToken cancellationToken)
    {
        var target = await ServiceTarget.FindAsync(_client, namespaceName, service, port, cancellationToken);
        IPEndPoint? address = null;
        await Poll.UntilAsync(
            $"the Service {namespaceName}/{service} has a ready pod",
            Limit,
            async token =>
            {
                var pods = await _client.CoreV1.ListNamespacedPodAsync(namespaceName, labelSelector: target.Selector, cancellationToken: token);
                address = pods.Items.Where(ServiceTarget.IsReady).Select(target.EndPointOf).FirstOrDefault();
                return address is null ? $"{pods.Items.Count} pods, none ready" : null;
            },
            cancellationToken
        );
        return address!;
    }

    /// <summary>Runs kubectl as the administrator and returns what it wrote; fails with that when the command fails.</summary>
    /// <param name="arguments">Arguments, such as <c>apply</c>, <c>-k</c> and a folder.</param>
    /// <param name="cancellationToken">Ends the command.</param>
    /// <exception cref="ServerUnavailableException">The cluster is not of local processes, or there is no kubectl.</exception>
    public Task<string> RunKubectlAsync(IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        Tool.RunAsync(
            [Local("Running kubectl").Kubectl, "--kubeconfig", Kubeconfig, "--cache-dir", _folder.PathOf("kubectl"), .. arguments],
            _folder.FullName,
            Limit,
            cancellationToken
        );

    /// <summary>Kills the API server (SIGKILL): connections break and new ones are refused. What it acknowledged stays.</summary>
    /// <exception cref="ServerUnavailableException">The cluster is not of local processes; so with all operations below.</exception>
    public Task StopApiServerAsync(CancellationToken cancellationToken) => Local("Stopping the API server").StopApiServerAsync(cancellationToken);

    /// <summary>Starts the API server again, on the same data and port. Does nothing while it runs.</summary>
    public Task StartApiServerAsync(CancellationToken cancellationToken) => Local("Starting the API server").StartApiServerAsync(cancellationToken);

    /// <summary>Stops the API server where it is (SIGSTOP): connections stay and are accepted, and nothing answers.</summary>
    public Task FreezeAsync(CancellationToken cancellationToken) => Local("Freezing the API server").FreezeApiServerAsync(cancellationToken);

    /// <summary>Lets a frozen API server go on, and returns when it answers.</summary>
    public Task ResumeAsync(CancellationToken cancellationToken) => Local("Resuming the API server").ResumeApiServerAsync(cancellationToken);

    /// <summary>Kills the controllers: nothing follows from objects any more.</summary>
    public Task StopControllersAsync(CancellationToken cancellationToken) => Local("Stopping the controllers").StopControllersAsync(cancellationToken);

    /// <summary>Starts the controllers again. Does nothing while they run.</summary>
    public Task StartControllersAsync(CancellationToken cancellationToken) => Local("Starting the controllers").StartControllersAsync(cancellationToken);

    /// <summary>
    /// Lets the cluster forget all versions of objects but the newest: a list or watch from an older one then answers 410. The API server, which remembers
    /// them too, is killed for that and started again.
    /// </summary>
    public Task CompactAsync(CancellationToken cancellationToken) => Local("Compacting the store").CompactAsync(cancellationToken);

    /// <summary>
    /// Replaces the authority that clients trust, and writes <see cref="Kubeconfig"/> again, in the same place. Other kubeconfigs and clients of before can connect
    /// no more.
    /// </summary>
    public async Task RotateAuthorityAsync(CancellationToken cancellationToken)
    {
        var controlPlane = Local("Rotating the authority");
        await controlPlane.RotateAuthorityAsync(cancellationToken);
        await KubeconfigFile.WriteAsync(_folder, "admin", controlPlane.Address, controlPlane.AuthorityPem, controlPlane.AdminToken, cancellationToken);
        _client.Dispose();
        _configuration = KubernetesClientConfiguration.BuildConfigFromConfigFile(Kubeconfig);
        _client = CreateClient(Kubeconfig);
    }

    /// <summary>Ends the cluster and removes its data; one that existed before stays.</summary>
    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        if (_controlPlane is not null)
            await _controlPlane.DisposeAsync();
        else
            _folder.Delete();
        if (_container is not null)
        {
            File.Delete(Kubeconfig);
            await _container.DisposeAsync();
        }
    }

    private static k8s.Kubernetes CreateClient(string kubeconfig) => new(KubernetesClientConfiguration.BuildConfigFromConfigFile(kubeconfig));

    private static V1RoleRef RoleReference(string kind, string name) =>
        new()
        {
            ApiGroup = "rbac.authorization.k8s.io",
            Kind = kind,
            Name = name,
        };

    private static string FindKubeconfig()
    {
        var path = Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 } named
            ? named.Split(Path.PathSeparator)[0]
            : KubernetesClientConfiguration.KubeConfigDefaultLocation;
        return File.Exists(path)
            ? path
            : throw new ServerUnavailableException($"{ExistingVariable} is true, and there is no kubeconfig {path}. Set KUBECONFIG, or unset it.");
    }

    private static async Task<KubernetesCluster> StartLocallyAsync(
        KubernetesPrograms programs,
        KubernetesClusterOptions options,
        CancellationToken cancellationToken
    )
    {
        var controlPlane = new ControlPlane(programs, options);
        try
        {
            await controlPlane.StartAsync(cancellationToken);
            var kubeconfig = await KubeconfigFile.WriteAsync(
                controlPlane.Folder,
                "admin",
                controlPlane.Address,
                controlPlane.AuthorityPem,
                controlPlane.AdminToken,
                cancellationToken
            );
            return new KubernetesCluster(kubeconfig, programs.Version, controlPlane, null);
        }
        catch
        {
            await controlPlane.DisposeAsync();
            throw;
        }
    }

    private static async Task<KubernetesCluster> UseAsync(string kubeconfig, IAsyncDisposable? container, CancellationToken cancellationToken)
    {
        using var client = CreateClient(kubeconfig);
        var version = KubernetesVersion.Parse((await client.Version.GetCodeAsync(cancellationToken)).GitVersion);
        if (container is not null)
            await KubernetesContainer.CordonAsync(client, cancellationToken);
        return new KubernetesCluster(kubeconfig, version, null, container);
    }

    private ControlPlane Local(string operation) => _controlPlane ?? throw ServerUnavailableException.NeedsLocalControlPlane(operation);
}
