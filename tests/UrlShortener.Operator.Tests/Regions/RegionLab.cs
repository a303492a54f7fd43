using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using UrlShortener.Contracts;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Entities;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using UrlShortener.TestServers.Kubernetes.Services;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>
/// A namespace with an operator that watches it, and what a region needs: a kubelet that runs the real product in its pods, a database and a part of Redis; or
/// fake pods, which are ready at once and answer as healthy ones do.
/// </summary>
internal sealed class RegionLab : IAsyncDisposable
{
    /// <summary>The image whose pods run the product.</summary>
    public const string Image = "registry.example/url-shortener:1.0";

    /// <summary>Another image that runs the same product.</summary>
    public const string NewImage = "registry.example/url-shortener:1.1";

    /// <summary>The image whose pods run Redis.</summary>
    public const string RedisImage = "registry.example/redis:7.0";

    /// <summary>An image that no registry has.</summary>
    public const string MissingImage = "registry.example/url-shortener:missing";

    /// <summary>
    /// How many times as often as it says a liveness probe must fail in tests that do not count on it: on a busy machine servers that are well answer late.
    /// </summary>
    public const int Patience = 6;

    // Each has several servers, which other tests leave less of the processor than a lock of Patroni lets them do with.
    private static readonly SemaphoreSlim WithPostgres = new(2);

    private readonly KubernetesNamespace _namespace;
    private readonly Stack<IAsyncDisposable> _owned = [];
    private bool _hasPostgres;

    private RegionLab(KubernetesCluster cluster, KubernetesNamespace space)
    {
        Cluster = cluster;
        _namespace = space;
        Client = cluster.CreateClient();
    }

    public KubernetesCluster Cluster { get; }

    public IKubernetes Client { get; }

    public string Namespace => _namespace.Name;

    public ProcessKubelet Kubelet { get; private set; } = null!;

    /// <summary>Options of <see cref="Kubelet"/>.</summary>
    private ProcessKubeletOptions KubeletOptions { get; set; } = null!;

    public TestOperator Operator { get; private set; } = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Starts all of it, with the Secrets <c>postgres</c> and <c>redis</c>. The pods run the product.</summary>
    /// <param name="apiServer">The cluster.</param>
    /// <param name="stores">The servers that regions stand on.</param>
    /// <param name="settings">Changes settings of the operator.</param>
    /// <param name="hasOperator">Whether an operator starts in this process; the test starts its own otherwise.</param>
    /// <param name="programs">What runs in pods of stores that the operator runs; null: there are none.</param>
    /// <param name="takes">Which pods <see cref="Kubelet"/> takes, if other nodes take the rest; null: all.</param>
    /// <param name="patience">See <see cref="ProcessKubeletOptions.LivenessPatience"/>.</param>
    /// <param name="space">Name of the namespace, if several clusters have it; null: one of its own.</param>
    /// <param name="isPart">Whether it is a part of a test that has another lab with a PostgreSQL.</param>
    public static async Task<RegionLab> StartAsync(
        ApiServerFixture apiServer,
        StoresFixture stores,
        Action<RuntimeOptions>? settings = null,
        bool hasOperator = true,
        StorePrograms? programs = null,
        Func<V1Pod, bool>? takes = null,
        int patience = Patience,
        string? space = null,
        bool isPart = false
    )
    {
        if (programs is null || isPart)
            return await StartAloneAsync(apiServer, stores, settings, hasOperator, programs, takes, patience, space);
        await WithPostgres.WaitAsync(Token);
        try
        {
            var lab = await StartAloneAsync(apiServer, stores, settings, hasOperator, programs, takes, patience, space);
            lab._hasPostgres = true;
            return lab;
        }
        catch
        {
            WithPostgres.Release();
            throw;
        }
    }

    private static async Task<RegionLab> StartAloneAsync(
        ApiServerFixture apiServer,
        StoresFixture stores,
        Action<RuntimeOptions>? settings,
        bool hasOperator,
        StorePrograms? programs,
        Func<V1Pod, bool>? takes,
        int patience,
        string? space
    )
    {
        var cluster = await apiServer.GetAsync();
        var postgres = await stores.GetPostgresAsync();
        var redis = await stores.GetRedisAsync();
        var database = await postgres.CreateDatabaseAsync(null, Token);
        return await StartOnAsync(
            cluster,
            lab => new ProcessKubeletOptions
            {
                Namespaces = [lab.Namespace],
                Program = launch => programs?.Run(launch) ?? Run(launch),
                Takes = takes ?? (_ => true),
                LivenessPatience = patience,
            },
            (database, redis.Configuration),
            settings,
            hasOperator,
            space
        );
    }

    /// <summary>
    /// The same with fake pods, for tests of what the operator does with objects: they are ready at once, migrations succeed at once, and no server stands behind
    /// the Secrets.
    /// </summary>
    /// <param name="apiServer">The cluster.</param>
    /// <param name="settings">Changes settings of the operator.</param>
    /// <param name="hasOperator">Whether an operator starts in this process; the test starts its own otherwise.</param>
    /// <param name="takes">Which pods <see cref="Kubelet"/> takes, if other nodes take the rest; null: all.</param>
    public static async Task<RegionLab> StartWithFakePodsAsync(
        ApiServerFixture apiServer,
        Action<RuntimeOptions>? settings = null,
        bool hasOperator = true,
        Func<V1Pod, bool>? takes = null
    ) =>
        await StartOnAsync(
            await apiServer.GetAsync(),
            lab => new ProcessKubeletOptions
            {
                Namespaces = [lab.Namespace],
                Fake = true,
                Takes = takes ?? (_ => true),
                FakeAddress = lab.Own(new CannedPod(HealthyAnswer())).Address,
            },
            ("Host=postgres.example;Username=shortener;Database=shortener", "redis.example:6379"),
            settings,
            hasOperator
        );

    /// <summary>Starts another node, which runs the pods of the namespace as <see cref="Kubelet"/> does.</summary>
    /// <param name="takes">Which pods it takes; null: those that <see cref="Kubelet"/> takes.</param>
    /// <param name="claims">Where the data of its pods is; null: in a folder of its own.</param>
    /// <param name="fakeAddress">The address of its pods if they are fake; null: that of the other ones.</param>
    public Task<ProcessKubelet> StartKubeletAsync(Func<V1Pod, bool>? takes = null, ClaimFolders? claims = null, string? fakeAddress = null) =>
        Availability.OrSkipAsync(
            ProcessKubelet.StartAsync(
                Cluster,
                KubeletOptions with
                {
                    NodeName = new ProcessKubeletOptions().NodeName,
                    Takes = takes ?? KubeletOptions.Takes,
                    Claims = claims ?? KubeletOptions.Claims,
                    FakeAddress = fakeAddress ?? KubeletOptions.FakeAddress,
                },
                Token
            )
        );

    /// <summary>Starts the operator, the first time or again.</summary>
    /// <param name="settings">Changes its settings.</param>
    /// <param name="services">Changes its services.</param>
    /// <param name="cluster">Name of its cluster; empty: it has none.</param>
    public async Task StartOperatorAsync(Action<RuntimeOptions>? settings = null, Action<IServiceCollection>? services = null, string cluster = "") =>
        Operator = Own(
            await TestOperator.StartAsync(
                () => KubernetesClientConfiguration.BuildConfigFromConfigFile(Cluster.Kubeconfig),
                Namespace,
                settings,
                services,
                cluster
            )
        );

    /// <summary>
    /// A region with two pods that uses both Secrets, with a merge patch applied. The pods keep few codes of their own, so that the level of a pool is not
    /// theirs to tell: its tests watch a few thousand.
    /// </summary>
    public JsonObject Region(string name = "eu", string? patch = null)
    {
        var spec = JsonNode.Parse(
            $$"""
            {
              "region": "{{name}}",
              "app": {
                "image": "{{Image}}",
                "minReplicas": 2,
                "settings": [{ "name": "Redis:KeyPrefix", "value": "{{Namespace}}" }, { "name": "Postgres:MaxConnections", "value": "8" },
                  { "name": "Keys:PoolSize", "value": "100" }, { "name": "Keys:LowWatermark", "value": "20" }]
              },
              "traffic": { "hostnames": ["sho.rt"] },
              "connections": { "postgresSecretRef": { "name": "postgres" }, "redisSecretRef": { "name": "redis" } }
            }
            """
        );
        return SpecJson.Object(
            V1Alpha1ShortenerRegion.KubeKind,
            Namespace,
            name,
            SpecJson.Merge(spec, patch is null ? new JsonObject() : JsonNode.Parse(patch))!
        );
    }

    /// <summary>Creates a Secret with a connection string.</summary>
    public Task CreateSecretAsync(string name, string value) =>
        Client.CoreV1.CreateNamespacedSecretAsync(
            new V1Secret
            {
                Metadata = new V1ObjectMeta { Name = name },
                StringData = new Dictionary<string, string> { ["connectionString"] = value },
            },
            Namespace,
            cancellationToken: Token
        );

    /// <summary>The region as it is stored.</summary>
    public async Task<V1Alpha1ShortenerRegion> ReadAsync(string name = "eu") =>
        KubernetesJson.Deserialize<V1Alpha1ShortenerRegion>(
            KubernetesObjects
                .Parse(
                    await Client.CustomObjects.GetNamespacedCustomObjectAsync(
                        ApiGroup.Name,
                        ApiGroup.Version,
                        Namespace,
                        V1Alpha1ShortenerRegion.KubePlural,
                        name,
                        Token
                    )
                )
                .ToJsonString()
        );

    /// <summary>Changes a region by a merge patch of its specification.</summary>
    public Task PatchAsync(string patch, string name = "eu") =>
        Client.CustomObjects.PatchNamespacedCustomObjectAsync(
            new V1Patch($$"""{ "spec": {{patch}} }""", V1Patch.PatchType.MergePatch),
            ApiGroup.Name,
            ApiGroup.Version,
            Namespace,
            V1Alpha1ShortenerRegion.KubePlural,
            name,
            cancellationToken: Token
        );

    /// <summary>Sets an annotation of a region.</summary>
    public Task AnnotateAsync(string annotation, string value, string name = "eu") =>
        Client.CustomObjects.PatchNamespacedCustomObjectAsync(
            new V1Patch($$"""{ "metadata": { "annotations": { "{{annotation}}": "{{value}}" } } }""", V1Patch.PatchType.MergePatch),
            ApiGroup.Name,
            ApiGroup.Version,
            Namespace,
            V1Alpha1ShortenerRegion.KubePlural,
            name,
            cancellationToken: Token
        );

    /// <summary>Waits until a region has a condition with a status, and returns the condition.</summary>
    public async Task<V1Condition> UntilAsync(string type, string status, string name = "eu", string? reason = null, int seconds = 180)
    {
        V1Condition? found = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                var region = await ReadAsync(name);
                found = region.Status?.Conditions?.FirstOrDefault(condition => condition.Type == type);
                return found?.Status == status && (reason is null || found.Reason == reason) && region.Status?.ObservedGeneration == region.Metadata.Generation;
            },
            () => $"{type} of {name} is {status}{(reason is null ? "" : $" for {reason}")}; it is {found?.Status}, {found?.Reason}: {found?.Message}",
            TimeSpan.FromSeconds(seconds)
        );
        return found!;
    }

    /// <summary>Reaches the app through its Service, whose two pods serve.</summary>
    public async Task<ServiceProxy> OpenServiceAsync(string name = "eu")
    {
        var service = Own(await ServiceProxy.StartAsync(Cluster, Namespace, $"{name}-app", 80, Token));
        await service.WaitUntilReadyAsync(2, Token);
        return service;
    }

    /// <summary>A client that follows no redirects.</summary>
    public static HttpClient NewHttp(ServiceProxy service) =>
        new(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseProxy = false,
                PooledConnectionLifetime = TimeSpan.FromMilliseconds(200),
            }
        )
        {
            BaseAddress = service.Address,
            Timeout = TimeSpan.FromSeconds(20),
        };

    /// <summary>Creates a link as anybody may, and returns its path.</summary>
    public static async Task<string> CreateLinkAsync(HttpClient http)
    {
        using var content = new StringContent("""{"original_url":"https://example.com/"}""", System.Text.Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri("/api/v1/urls", UriKind.Relative), content, Token);
        var body = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.StatusCode == HttpStatusCode.Created, body);
        return "/" + (string)JsonNode.Parse(body)!["short_code"]!;
    }

    /// <summary>The Deployment of a region's app.</summary>
    public Task<V1Deployment> ReadDeploymentAsync(string name = "eu") =>
        Client.AppsV1.ReadNamespacedDeploymentAsync($"{name}-app", Namespace, cancellationToken: Token);

    /// <summary>Requests of the operator that wrote something other than events.</summary>
    public async Task<IReadOnlyList<AuditEvent>> ReadWritesAsync(DateTimeOffset since) =>
        await Cluster.ReadAuditAsync(
            entry =>
                entry.IsWrite
                && entry.Namespace == Namespace
                && entry.Resource != "events"
                && entry.ReceivedAt >= since
                && entry.RequestUri.Contains("shortener-operator", StringComparison.Ordinal),
            Token
        );

    public async ValueTask DisposeAsync()
    {
        try
        {
            while (_owned.TryPop(out var owned))
                await owned.DisposeAsync();
            Client.Dispose();
            await _namespace.DisposeAsync();
        }
        finally
        {
            if (_hasPostgres)
                WithPostgres.Release();
            _hasPostgres = false;
        }
    }

    private static async Task<RegionLab> StartOnAsync(
        KubernetesCluster cluster,
        Func<RegionLab, ProcessKubeletOptions> kubelet,
        (string Postgres, string Redis) connections,
        Action<RuntimeOptions>? settings,
        bool hasOperator,
        string? space = null
    )
    {
        var lab = new RegionLab(cluster, await cluster.CreateNamespaceOfNameAsync(space ?? KubernetesCluster.NewName("region"), Token));
        try
        {
            lab.KubeletOptions = kubelet(lab);
            lab.Kubelet = lab.Own(await Availability.OrSkipAsync(ProcessKubelet.StartAsync(cluster, lab.KubeletOptions, Token)));
            await lab.CreateSecretAsync("postgres", connections.Postgres);
            await lab.CreateSecretAsync("redis", connections.Redis);
            if (hasOperator)
                await lab.StartOperatorAsync(settings);
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>What a pod of the app answers that is well.</summary>
    public static string HealthyAnswer()
    {
        const string Well = HealthStatus.Healthy;
        var health = new HealthResponse(Well, new ComponentsResponse(Database: Well, Cache: Well, Kgs: Well), Version: "1.0.0")
        {
            Schema = new SchemaResponse("current", Applied: 1, Known: 1),
        };
        return $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{JsonSerializer.Serialize(health, JsonSerializerOptions.Web)}";
    }

    private T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    // Pods of this machine share its ports: each listens on its own address.
    private static ContainerProgram? Run(ContainerLaunch launch)
    {
        if (launch.Image == RedisImage)
            return launch.Run(launch.Command[0], launch.Command.Skip(1));
        if (launch.Image is not (Image or NewImage))
            return null;
        var program = launch.Run(BuiltPrograms.Runtime, launch.Command);
        var folder = Path.GetDirectoryName(BuiltPrograms.Runtime)!;
        return program with
        {
            Environment = new Dictionary<string, string>(program.Environment) { ["Urls"] = $"http://{launch.PodIp}:8080" },
            // It may lie under /tmp, of which a pod has its own.
            Mounts = [new ContainerMount(folder, folder)],
        };
    }
}
