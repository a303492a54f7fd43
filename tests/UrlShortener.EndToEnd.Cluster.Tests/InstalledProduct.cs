using System.Security.Cryptography;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>
/// The operator, installed in the cluster of the current kubeconfig as docs/operator.md says, with a PostgreSQL and a Redis in a namespace beside it, and the
/// region and the key pool of <c>config/samples/minimal.yaml</c>, ready. All of it is removed in the end.
/// </summary>
public sealed class InstalledProduct : IAsyncLifetime
{
    /// <summary>Namespace of the sample.</summary>
    public const string Namespace = "urlshortener";

    /// <summary>Namespace of the operator.</summary>
    public const string OperatorNamespace = "urlshortener-system";

    /// <summary>Name of the sample's region and of its key pool.</summary>
    public const string Region = "local";

    private const string StoresNamespace = "urlshortener-e2e-stores";
    private const string Sample = "config/samples/minimal.yaml";
    private const string SampleImage = "localhost/url-shortener-runtime:0.1.0";

    private readonly ServerFolder _folder = ServerFolder.Create(onDisk: true);
    private readonly string _password = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
    private ClusterSettings? _settings;
    private ServiceAccess? _access;
    private Exception? _failure;

    public InstalledProduct() => Kubectl = new Kubectl(_folder.FullName);

    /// <summary>The images.</summary>
    internal ClusterSettings Settings => _settings!;

    /// <summary>The user's command.</summary>
    internal Kubectl Kubectl { get; }

    /// <summary>How Services are reached.</summary>
    internal ServiceAccess Access => _access!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Overlay => Path.Combine(_folder.FullName, "install");

    public async ValueTask InitializeAsync()
    {
        if (!ClusterSettings.IsMeant)
            return;
        try
        {
            _settings = ClusterSettings.ReadOrSkip();
            await InstallAsync();
            await StartStoresAsync();
            await CreateRegionAsync(Namespace, Region, "shortener", 0);
            _access = await ServiceAccess.StartAsync(Kubectl, Token);
        }
        catch (Exception error)
        {
            // Told by the tests: the runner would tell no more than that the fixture failed, once for each of them, and what was installed must go.
            _failure = error;
        }
    }

    /// <summary>Skips the test when no cluster was meant, and fails it when the product is not installed there.</summary>
    public void AssertInstalled()
    {
        ClusterSettings.ReadOrSkip();
        Assert.True(_failure is null, $"The product was not installed: {_failure}");
    }

    /// <summary>Makes a region with its key pool in a namespace, as the sample has them, and waits until both are ready.</summary>
    /// <param name="space">The namespace, which the operator may work in.</param>
    /// <param name="region">Which region it is.</param>
    /// <param name="database">The database's name.</param>
    /// <param name="redis">Number of the database in Redis.</param>
    internal async Task CreateRegionAsync(string space, string region, string database, int redis)
    {
        await CreateConnectionsAsync(space, Region, database, redis);
        await Kubectl.ApplyAsync(ReadSample(space).Replace($"region: {Region}\n", $"region: {region}\n", StringComparison.Ordinal), space, Token);
        await WaitUntilReadyAsync(space);
    }

    /// <summary>Creates the Secrets of a region.</summary>
    /// <param name="space">The namespace.</param>
    /// <param name="name">Name of the ShortenerRegion.</param>
    /// <param name="database">The database's name.</param>
    /// <param name="redis">Number of the database in Redis.</param>
    internal async Task CreateConnectionsAsync(string space, string name, string database, int redis)
    {
        string[] create = ["create", "secret", "generic", "--namespace", space];
        await Kubectl.RunAsync(
            [
                .. create,
                $"{name}-postgres",
                $"--from-literal=connectionString=Host=postgres.{StoresNamespace};Username=shortener;Password={_password};Database={database}",
            ],
            Token
        );
        await Kubectl.RunAsync(
            [.. create, $"{name}-redis", $"--from-literal=connectionString=redis.{StoresNamespace}:6379,password={_password},defaultDatabase={redis}"],
            Token
        );
    }

    /// <summary>The manifest of one more region of the group, without a key pool.</summary>
    /// <param name="name">Name of the object, of the region and of its Secrets.</param>
    /// <param name="priority">Its priority.</param>
    internal string ReadRegion(string name, int priority) =>
        ReadSample(Namespace)
            .Split("---\n")[0]
            .Replace($"  name: {Region}\n", $"  name: {name}\n", StringComparison.Ordinal)
            .Replace($"region: {Region}\n", $"region: {name}\n  failover:\n    priority: {priority}\n", StringComparison.Ordinal)
            .Replace($"name: {Region}-", $"name: {name}-", StringComparison.Ordinal);

    /// <summary>Creates one more database.</summary>
    internal Task CreateDatabaseAsync(string name) =>
        Kubectl.RunAsync(
            [
                "exec",
                "--namespace",
                StoresNamespace,
                "deployment/postgres",
                "--",
                "/bin/sh",
                "-c",
                $"PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':'); createdb --host=127.0.0.1 --username=shortener {name}",
            ],
            Token
        );

    /// <summary>Waits until the region and the key pool of a namespace are ready, and nothing is going on.</summary>
    internal async Task WaitUntilReadyAsync(string space)
    {
        try
        {
            await Kubectl.RunAsync($"wait --namespace {space} --for=condition=Ready shortenerregion/{Region} keypool/{Region} --timeout=240s", Token);
            await Kubectl.RunAsync(
                $"wait --namespace {space} --for=condition=Reconciling=false shortenerregion/{Region} keypool/{Region} --timeout=240s",
                Token
            );
        }
        catch (InvalidOperationException late)
        {
            throw new InvalidOperationException($"{late.Message}\n{await DescribeAsync(space)}", late);
        }
    }

    /// <summary>What there is in a namespace, for the message of a failing test.</summary>
    internal async Task<string> DescribeAsync(string space) =>
        string.Join(
            '\n',
            await Kubectl.TryAsync($"get shortenerregions,keypools,pods,jobs,hpa --namespace {space} --output wide", Token),
            await Kubectl.TryAsync(
                $"get shortenerregion/{Region} keypool/{Region} --namespace {space} --output jsonpath={{.items[*].status.conditions}}",
                Token
            ),
            await Kubectl.TryAsync($"get events --namespace {space} --sort-by=.lastTimestamp", Token),
            await Kubectl.TryAsync($"get pods --namespace {OperatorNamespace} --output wide", Token),
            await Kubectl.TryAsync($"logs deployment/shortener-operator --namespace {OperatorNamespace} --tail=30", Token)
        );

    public async ValueTask DisposeAsync()
    {
        if (_settings is not null)
        {
            if (_access is not null)
                await _access.DisposeAsync();
            // As docs/operator.md says: regions first, while there is an operator that ends them.
            if (Directory.Exists(Overlay))
            {
                await Kubectl.TryAsync("delete shortenerregions,keypools --all --all-namespaces --timeout=120s", CancellationToken.None);
                await Kubectl.RunAsync(["delete", "-k", Overlay, "--ignore-not-found", "--timeout=240s"], CancellationToken.None);
                await Kubectl.RunAsync($"delete namespace {Namespace} {StoresNamespace} --ignore-not-found --timeout=240s", CancellationToken.None);
            }
        }

        _folder.Delete();
    }

    private async Task InstallAsync()
    {
        var found = await Kubectl.RunAsync($"get namespace {OperatorNamespace} {Namespace} --ignore-not-found --output name", Token);
        if (found.Length > 0)
            throw new InvalidOperationException(
                $"The cluster has {found.ReplaceLineEndings(" ")} already. The test installs and removes both; give it a cluster without them."
            );
        await Kubectl.RunAsync($"create namespace {Namespace}", Token);
        await Kubectl.RunAsync($"label namespace {Namespace} pod-security.kubernetes.io/enforce=restricted", Token);
        await ApplyOverlayAsync([Namespace], Token);
    }

    /// <summary>
    /// Installs the operator, or changes the installation, by an overlay as a user would keep one: it says where the image is and which namespaces have
    /// regions. Returns when the operator is ready.
    /// </summary>
    internal async Task ApplyOverlayAsync(IReadOnlyList<string> namespaces, CancellationToken cancellationToken)
    {
        var (name, tag) = Split(Settings.OperatorImage);
        const string Component = "config/components/namespaces";
        var component = Directory.CreateDirectory(Path.Combine(Overlay, "namespaces")).FullName;
        foreach (var file in new[] { "kustomization.yaml", "settings.env", "rolebindings.yaml" })
        {
            var text = await File.ReadAllTextAsync(Checkout.PathOf($"{Component}/{file}"), cancellationToken);
            text = file switch
            {
                "settings.env" => text.Replace($"={Namespace}", $"={string.Join(',', namespaces)}", StringComparison.Ordinal),
                "rolebindings.yaml" => string.Join(
                    "\n---\n",
                    namespaces.Select(space => text.Replace($"namespace: {Namespace}\n", $"namespace: {space}\n", StringComparison.Ordinal))
                ),
                _ => text,
            };
            await File.WriteAllTextAsync(Path.Combine(component, file), text, cancellationToken);
        }

        await File.WriteAllTextAsync(
            Path.Combine(Overlay, "kustomization.yaml"),
            $"""
            resources:
            - {Path.GetRelativePath(Overlay, Checkout.PathOf("."))}
            components:
            - namespaces
            images:
            - name: localhost/url-shortener-operator
              newName: {name}
              newTag: "{tag}"
            """,
            cancellationToken
        );
        await Kubectl.RunAsync(["apply", "--validate=false", "-k", Overlay], cancellationToken);
        await Kubectl.RunAsync(
            "wait --for=condition=Established crd/shortenerregions.urlshortener.dev crd/keypools.urlshortener.dev --timeout=60s",
            cancellationToken
        );
        try
        {
            await Kubectl.RunAsync($"rollout status deployment/shortener-operator --namespace {OperatorNamespace} --timeout=180s", cancellationToken);
        }
        catch (InvalidOperationException late)
        {
            throw new InvalidOperationException($"{late.Message}\n{await DescribeAsync(OperatorNamespace)}", late);
        }
    }

    private async Task StartStoresAsync()
    {
        await Kubectl.RunAsync($"create namespace {StoresNamespace}", Token);
        await Kubectl.RunAsync($"create secret generic stores --namespace {StoresNamespace} --from-literal=password={_password}", Token);
        using var reader = new StreamReader(typeof(InstalledProduct).Assembly.GetManifestResourceStream("stores.yaml")!);
        var manifests = (await reader.ReadToEndAsync(Token))
            .Replace("POSTGRES_IMAGE", Settings.PostgresImage, StringComparison.Ordinal)
            .Replace("REDIS_IMAGE", Settings.RedisImage, StringComparison.Ordinal)
            .Replace("STAYING_NODES", StayingNodes(), StringComparison.Ordinal);
        await Kubectl.ApplyAsync(manifests, StoresNamespace, Token);
        try
        {
            await Kubectl.RunAsync($"wait --for=condition=Available deployment/postgres deployment/redis --namespace {StoresNamespace} --timeout=180s", Token);
        }
        catch (InvalidOperationException late)
        {
            throw new InvalidOperationException($"{late.Message}\n{await DescribeAsync(StoresNamespace)}", late);
        }

        await CreateDatabaseAsync("shortener");
    }

    // A field selector holds one value for each requirement, and a term without requirements selects no node.
    private static string StayingNodes() =>
        $"[{string.Join(", ", ClusterSettings.Nodes.DefaultIfEmpty("none").Select(node => $"{{key: metadata.name, operator: NotIn, values: [\"{node}\"]}}"))}]";

    private string ReadSample(string space)
    {
        var sample = File.ReadAllText(Checkout.PathOf(Sample));
        Assert.Contains(SampleImage, sample, StringComparison.Ordinal);
        // The pool is its end. An empty one would get four workers, which a node of two cores has no room for beside the rest; nor for as much as pods ask for
        // by default.
        sample += "  kgs:\n    maxReplicas: 2\n";
        return sample
            .Replace(
                SampleImage,
                $"{Settings.RuntimeImage}\n    resources:\n      requests:\n        cpu: 100m\n        memory: 128Mi",
                StringComparison.Ordinal
            )
            .Replace($"namespace: {Namespace}\n", $"namespace: {space}\n", StringComparison.Ordinal);
    }

    private static (string Name, string Tag) Split(string image)
    {
        var colon = image.LastIndexOf(':');
        return (image[..colon], image[(colon + 1)..]);
    }
}
