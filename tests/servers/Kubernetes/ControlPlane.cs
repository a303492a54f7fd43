using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using UrlShortener.TestServers.Network;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>etcd, kube-apiserver and kube-controller-manager as processes of this machine. Operations return when their effect is there.</summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    /// <summary>
    /// Who did what to what, without the objects themselves. What the API server and the controllers read for themselves is left out: it is most of what
    /// happens, and nobody asks for it.
    /// </summary>
    private const string AuditPolicy = """
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: [RequestReceived]
        rules:
        - level: None
          nonResourceURLs: ["*"]
        - level: None
          users: ["system:apiserver", "system:kube-controller-manager"]
          verbs: ["get", "list", "watch"]
        - level: Metadata

        """;

    // Go collects when the heap has grown by that many percent, 100 out of the box: some hundred megabytes for a part of the processor time.
    private const string CollectSeldom = "GOGC=400";
    private const string ControllersName = "system:kube-controller-manager";
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(30);

    private readonly KubernetesPrograms _programs;
    private readonly KubernetesClusterOptions _options;
    private readonly ServerFolder _folder;
    private readonly int _etcdPort = Ports.Take();
    private readonly int _etcdPeerPort = Ports.Take();
    private readonly int _port = Ports.Take();
    private readonly int _controllersPort = Ports.Take();
    private readonly string _controllersToken = NewToken();
    private ControlPlaneKeys _keys;
    private SocketsHttpHandler _handler;
    private HttpClient _http;
    private ServerProcess? _etcd;
    private ServerProcess? _apiServer;
    private ServerProcess? _controllers;

    public ControlPlane(KubernetesPrograms programs, KubernetesClusterOptions options)
    {
        _programs = programs;
        _options = options;
        _keys = ControlPlaneKeys.Create(TimeProvider.System);
        _folder = ServerFolder.Create(onDisk: false);
        Gate = options.Gated ? new TcpGate(_port) : null;
        (_handler, _http) = Connect(_keys.AuthorityPem);
    }

    /// <summary>Token of the user <c>admin</c>, who may do everything.</summary>
    public string AdminToken { get; } = NewToken();

    /// <summary>Certificate of the authority that clients trust.</summary>
    public string AuthorityPem => _keys.AuthorityPem;

    /// <summary>Address that clients use: the gate's where there is one.</summary>
    public Uri Address => AddressOf(Gate?.Port ?? _port);

    /// <summary>Address past the gate.</summary>
    public Uri DirectAddress => AddressOf(_port);

    /// <summary>The gate before the API server, where there is one.</summary>
    public TcpGate? Gate { get; }

    /// <summary>The folder of files that the cluster needs.</summary>
    public ServerFolder Folder => _folder;

    /// <summary>Which Kubernetes it is.</summary>
    public KubernetesVersion Version => _programs.Version;

    /// <summary>The user's command.</summary>
    public string Kubectl => _programs.Kubectl;

    /// <summary>Where the API server writes its audit log.</summary>
    public string AuditLogPath => _folder.PathOf("audit.log");

    /// <summary>Numbers of the processes that run now.</summary>
    public IReadOnlyList<int> ProcessIds =>
        [.. new[] { _etcd, _apiServer, _controllers }.OfType<ServerProcess>().Where(process => process.IsRunning).Select(process => process.Id)];

    /// <summary>Starts all three for the first time.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await WriteFilesAsync(cancellationToken);
        await StartEtcdAsync(cancellationToken);
        await StartApiServerAsync(cancellationToken);
        await StartControllersAsync(cancellationToken);
    }

    /// <summary>Starts what does not run, on the same data and ports.</summary>
    public async Task StartApiServerAsync(CancellationToken cancellationToken)
    {
        if (_apiServer is { IsRunning: true })
            return;
        if (_apiServer is not null)
            await _apiServer.DisposeAsync();
        _apiServer = await StartProcessAsync("kube-apiserver", [_programs.ApiServer, .. ApiServerArguments()], cancellationToken);
        await _apiServer.WaitUntilReadyAsync(token => FindMissingAsync(new Uri(AddressOf(_port), "readyz"), token), cancellationToken);
    }

    /// <summary>Kills the API server: connections break and new ones are refused. What it acknowledged is in etcd.</summary>
    public Task StopApiServerAsync(CancellationToken cancellationToken) => ApiServer().KillAsync(cancellationToken);

    /// <summary>Stops the API server where it is: connections stay and are accepted, and nothing answers.</summary>
    public Task FreezeApiServerAsync(CancellationToken cancellationToken) => ApiServer().FreezeAsync(cancellationToken);

    /// <summary>Lets a frozen API server go on, and waits until it answers.</summary>
    public async Task ResumeApiServerAsync(CancellationToken cancellationToken)
    {
        var server = ApiServer();
        server.Resume();
        await server.WaitUntilReadyAsync(token => FindMissingAsync(new Uri(AddressOf(_port), "readyz"), token), cancellationToken);
    }

    /// <summary>Kills the controllers: nothing follows from objects any more.</summary>
    public async Task StopControllersAsync(CancellationToken cancellationToken)
    {
        if (_controllers is { IsRunning: true })
            await _controllers.KillAsync(cancellationToken);
    }

    /// <summary>Starts the controllers, and returns when they have made what every cluster has.</summary>
    public async Task StartControllersAsync(CancellationToken cancellationToken)
    {
        if (_controllers is { IsRunning: true })
            return;
        if (_controllers is not null)
            await _controllers.DisposeAsync();
        _controllers = await StartProcessAsync("kube-controller-manager", [_programs.ControllerManager, .. ControllerArguments()], cancellationToken);
        var account = new Uri(AddressOf(_port), "api/v1/namespaces/default/serviceaccounts/default");
        await _controllers.WaitUntilReadyAsync(token => FindMissingAsync(account, token), cancellationToken);
    }

    /// <summary>
    /// Lets etcd forget all versions but the newest, and the API server with its memory of them: it is killed and started again. A watch or list from an
    /// older version then answers 410.
    /// </summary>
    public async Task CompactAsync(CancellationToken cancellationToken)
    {
        var revision = (await AskEtcdAsync("v3/kv/range", new JsonObject { ["key"] = "AA==" }, cancellationToken))["header"]!["revision"]!.GetValue<string>();
        await StopApiServerAsync(cancellationToken);
        await AskEtcdAsync("v3/kv/compaction", new JsonObject { ["revision"] = revision, ["physical"] = true }, cancellationToken);
        await StartApiServerAsync(cancellationToken);
    }

    /// <summary>Replaces the authority and the API server's certificate. Clients that trust the former authority can connect no more.</summary>
    public async Task RotateAuthorityAsync(CancellationToken cancellationToken)
    {
        await StopControllersAsync(cancellationToken);
        await StopApiServerAsync(cancellationToken);
        _keys = ControlPlaneKeys.Create(TimeProvider.System, _keys.TokenKeyPem);
        _http.Dispose();
        _handler.Dispose();
        (_handler, _http) = Connect(_keys.AuthorityPem);
        await WriteFilesAsync(cancellationToken);
        await StartApiServerAsync(cancellationToken);
        await StartControllersAsync(cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (Gate is not null)
            await Gate.DisposeAsync();
        foreach (var process in new[] { _controllers, _apiServer, _etcd }.OfType<ServerProcess>())
            await process.DisposeAsync();
        _http.Dispose();
        _handler.Dispose();
        _folder.Delete();
    }

    private static (SocketsHttpHandler Handler, HttpClient Http) Connect(string authorityPem)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.Add(X509Certificate2.CreateFromPem(authorityPem));
        var handler = new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust } };
        return (handler, new HttpClient(handler) { Timeout = RequestLimit });
    }

    private static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private static Uri AddressOf(int port) => new(string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{port}/"));

    private static string EtcdAddress(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");

    private ServerProcess ApiServer() =>
        _apiServer is { IsRunning: true } server ? server : throw new InvalidOperationException("The API server does not run.");

    private Task<ServerProcess> StartProcessAsync(string name, IEnumerable<string> command, CancellationToken cancellationToken) =>
        ServerProcess.StartAsync(name, ["env", CollectSeldom, .. command], _folder.FullName, _folder.PathOf(name + ".log"), cancellationToken);

    private async Task WriteFilesAsync(CancellationToken cancellationToken)
    {
        await KubeconfigFile.WriteSecretAsync(_folder.PathOf("apiserver.crt"), _keys.CertificatePem, cancellationToken);
        await KubeconfigFile.WriteSecretAsync(_folder.PathOf("apiserver.key"), _keys.KeyPem, cancellationToken);
        await KubeconfigFile.WriteSecretAsync(_folder.PathOf("ca.crt"), _keys.AuthorityPem, cancellationToken);
        await KubeconfigFile.WriteSecretAsync(_folder.PathOf("tokens.key"), _keys.TokenKeyPem, cancellationToken);
        // Token, name, identifier, groups. The controllers share one name, by which their writes are told from others.
        var users = $"{AdminToken},admin,admin,\"system:masters\"\n{_controllersToken},{ControllersName},controllers,\"system:masters\"\n";
        await KubeconfigFile.WriteSecretAsync(_folder.PathOf("tokens.csv"), users, cancellationToken);
        await KubeconfigFile.WriteSecretAsync(_folder.PathOf("audit.yaml"), AuditPolicy, cancellationToken);
        await KubeconfigFile.WriteAsync(_folder, "controllers", AddressOf(_port), _keys.AuthorityPem, _controllersToken, cancellationToken);
    }

    private async Task StartEtcdAsync(CancellationToken cancellationToken)
    {
        var (client, peer) = (EtcdAddress(_etcdPort), EtcdAddress(_etcdPeerPort));
        string[] command =
        [
            _programs.Etcd,
            "--name",
            "test",
            "--data-dir",
            _folder.PathOf("etcd"),
            "--listen-client-urls",
            client,
            "--advertise-client-urls",
            client,
            "--listen-peer-urls",
            peer,
            "--initial-advertise-peer-urls",
            peer,
            "--initial-cluster",
            $"test={peer}",
            "--unsafe-no-fsync",
        ];
        _etcd = await StartProcessAsync("etcd", command, cancellationToken);
        await _etcd.WaitUntilReadyAsync(token => FindMissingAsync(new Uri(client + "/health"), token), cancellationToken);
    }

    private IEnumerable<string> ApiServerArguments() =>
        [
            .. _options.ApiServerArguments,
            $"--etcd-servers={EtcdAddress(_etcdPort)}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            $"--secure-port={_port}",
            // No Service leads to a loopback address, so that the one of the API server itself has no endpoints.
            "--endpoint-reconciler-type=none",
            $"--tls-cert-file={_folder.PathOf("apiserver.crt")}",
            $"--tls-private-key-file={_folder.PathOf("apiserver.key")}",
            $"--token-auth-file={_folder.PathOf("tokens.csv")}",
            "--authorization-mode=RBAC",
            $"--service-account-key-file={_folder.PathOf("tokens.key")}",
            $"--service-account-signing-key-file={_folder.PathOf("tokens.key")}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--allow-privileged=true",
            $"--audit-policy-file={_folder.PathOf("audit.yaml")}",
            $"--audit-log-path={AuditLogPath}",
            "--audit-log-maxsize=4096",
        ];

    private IEnumerable<string> ControllerArguments() =>
        [
            // Endpoints may not have loopback addresses, which pods of process kubelets have: their controllers would try in vain at each change of a pod, and
            // pods of stores change every few seconds.
            "--controllers=*,-endpoints-controller,-endpointslice-controller,-endpointslice-mirroring-controller",
            .. _options.ControllerManagerArguments,
            $"--kubeconfig={_folder.PathOf("controllers.conf")}",
            "--leader-elect=false",
            $"--service-account-private-key-file={_folder.PathOf("tokens.key")}",
            $"--root-ca-file={_folder.PathOf("ca.crt")}",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--bind-address=127.0.0.1",
            $"--secure-port={_controllersPort}",
        ];

    /// <summary>Asks for a document that is there as soon as a server is ready.</summary>
    private async Task<string?> FindMissingAsync(Uri address, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            // etcd takes any token for one of its own, and refuses it.
            if (address.Scheme == Uri.UriSchemeHttps)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", AdminToken);
            using var answer = await _http.SendAsync(request, cancellationToken);
            return answer.IsSuccessStatusCode ? null : $"{address} answers {(int)answer.StatusCode}";
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return e.Message;
        }
    }

    /// <summary>etcd's JSON interface, which spares a client of its own protocol.</summary>
    private async Task<JsonNode> AskEtcdAsync(string path, JsonObject request, CancellationToken cancellationToken)
    {
        using var answer = await _http.PostAsJsonAsync(new Uri($"{EtcdAddress(_etcdPort)}/{path}"), request, cancellationToken);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonNode>(cancellationToken))!;
    }
}
