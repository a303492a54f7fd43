using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>A namespace with an operator, and a kubelet that runs real Redis servers in its pods. The app of the region does not run.</summary>
internal sealed class RedisLab : IAsyncDisposable
{
    /// <summary>The image whose pods run redis-server.</summary>
    public const string Image = "registry.example/redis:7.0";

    /// <summary>Another image that runs the same server.</summary>
    public const string NewImage = "registry.example/redis:7.1";

    /// <summary>A node timeout for tests without a failover: nodes that a busy machine keeps from answering are not to elect another master.</summary>
    public const int PatientMillis = 5_000;

    // Of one question of a round that is asked again: a node that hangs holds no other one up.
    private static readonly TimeSpan RoundLimit = TimeSpan.FromSeconds(2);

    // Of a command to a node that is there. It only ends a test that fails.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly KubernetesNamespace _namespace;
    private readonly Stack<IAsyncDisposable> _owned = [];
    private readonly RedisClient _redis = new(TimeProvider.System);
    private readonly ConcurrentDictionary<string, bool> _blocked = new();
    private RedisAccess? _access;

    private RedisLab(KubernetesCluster cluster, KubernetesNamespace space)
    {
        Cluster = cluster;
        _namespace = space;
        Client = cluster.CreateClient();
    }

    public KubernetesCluster Cluster { get; }

    public IKubernetes Client { get; }

    public string Namespace => _namespace.Name;

    public ProcessKubelet Kubelet { get; private set; } = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Starts all of it.</summary>
    /// <param name="apiServer">The API server.</param>
    /// <param name="hasOperator">Whether the operator runs.</param>
    /// <param name="volumes">Folder of the volumes; null: one of the kubelet's own.</param>
    public static async Task<RedisLab> StartAsync(ApiServerFixture apiServer, bool hasOperator = true, string? volumes = null)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/redis-server") && File.Exists("/usr/bin/redis-cli"), "redis-server and redis-cli are not installed.");
        var cluster = await apiServer.GetAsync();
        var lab = new RedisLab(cluster, await cluster.CreateNamespaceAsync("redis", Token));
        try
        {
            lab.Kubelet = lab.Own(
                await Availability.OrSkipAsync(
                    ProcessKubelet.StartAsync(
                        cluster,
                        new()
                        {
                            Namespaces = [lab.Namespace],
                            Program = lab.Run,
                            LivenessPatience = RegionLab.Patience,
                            Claims = volumes is null ? null : new ClaimFolders(volumes),
                        },
                        Token
                    )
                )
            );
            if (hasOperator)
                await lab.StartOperatorAsync();
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>Password and certificates of the nodes.</summary>
    public Task<RedisAccess> AccessAsync() => ReadAccessAsync();

    /// <summary>Reads the password again, which has been replaced.</summary>
    public Task<RedisAccess> ReloadAccessAsync()
    {
        _access = null;
        return ReadAccessAsync();
    }

    /// <summary>What nodes say about passwords; null: a node does not answer.</summary>
    public async Task<IReadOnlyList<NodePasswords?>> AskPasswordsAsync()
    {
        var access = await ReadAccessAsync();
        return await Task.WhenAll(
            (await ReadPodsAsync())
                .Where(pod => pod.Status?.PodIP is not null)
                .Select(async pod => NodePasswords.Of(await _redis.SendAsync(AddressOf(pod), access, Limit, NodePasswords.Questions, Token)))
        );
    }

    /// <summary>Starts the operator, the first time or again.</summary>
    public async Task<TestOperator> StartOperatorAsync() => Own(await TestOperator.StartAsync(Cluster.Kubeconfig, Namespace));

    /// <summary>Creates a region with a Redis, with a merge patch applied to the latter.</summary>
    public async Task CreateAsync(string? patch = null, int nodeTimeoutMillis = 1_500)
    {
        var spec = JsonNode.Parse(
            $$"""
            {
              "region": "eu",
              "app": { "image": "registry.example/url-shortener:1.0" },
              "traffic": { "hostnames": ["sho.rt"] },
              "connections": { "postgresSecretRef": { "name": "postgres" } },
              "redis": {{SpecJson.Merge(
                JsonNode.Parse($$"""{ "image": "{{Image}}", "maxMemory": "64Mi", "nodeTimeoutMillis": {{nodeTimeoutMillis}} }"""),
                patch is null ? new JsonObject() : JsonNode.Parse(patch)
            )!.ToJsonString()}}
            }
            """
        )!;
        await Client.CustomObjects.CreateNamespacedCustomObjectAsync(
            JsonNode.Parse(SpecJson.Object(V1Alpha1ShortenerRegion.KubeKind, Namespace, "eu", spec).ToJsonString())!,
            ApiGroup.Name,
            ApiGroup.Version,
            Namespace,
            V1Alpha1ShortenerRegion.KubePlural,
            cancellationToken: Token
        );
    }

    /// <summary>The region as it is stored.</summary>
    public async Task<V1Alpha1ShortenerRegion> ReadAsync() =>
        KubernetesJson.Deserialize<V1Alpha1ShortenerRegion>(
            KubernetesObjects
                .Parse(
                    await Client.CustomObjects.GetNamespacedCustomObjectAsync(
                        ApiGroup.Name,
                        ApiGroup.Version,
                        Namespace,
                        V1Alpha1ShortenerRegion.KubePlural,
                        "eu",
                        Token
                    )
                )
                .ToJsonString()
        );

    /// <summary>Changes the specification of the region's Redis by a merge patch.</summary>
    public Task PatchAsync(string patch) => PatchSpecAsync($$"""{ "redis": {{patch}} }""");

    /// <summary>Changes the specification of the region by a merge patch.</summary>
    public Task PatchSpecAsync(string patch) =>
        Client.CustomObjects.PatchNamespacedCustomObjectAsync(
            new V1Patch($$"""{ "spec": {{patch}} }""", V1Patch.PatchType.MergePatch),
            ApiGroup.Name,
            ApiGroup.Version,
            Namespace,
            V1Alpha1ShortenerRegion.KubePlural,
            "eu",
            cancellationToken: Token
        );

    /// <summary>Waits until the status of the region's Redis is in a state, and returns the region.</summary>
    public async Task<V1Alpha1ShortenerRegion> UntilAsync(Func<V1Alpha1ShortenerRegion, bool> isThere, string what, int seconds = 120)
    {
        V1Alpha1ShortenerRegion? region = null;
        await Eventually.HoldsAsync(
            async () => isThere(region = await ReadAsync()),
            () => $"{what}: {KubernetesJson.Serialize(region?.Status?.Redis)} {KubernetesJson.Serialize(region?.Status?.Conditions)}",
            TimeSpan.FromSeconds(seconds)
        );
        return region!;
    }

    /// <summary>Waits until all nodes work.</summary>
    public Task<V1Alpha1ShortenerRegion> UntilReadyAsync(int seconds = 120) =>
        UntilAsync(region => region.Status?.Redis?.State == "Ready", "Redis is ready", seconds);

    /// <summary>Keeps the container of a pod from starting.</summary>
    public void Block(string pod) => _blocked[pod] = true;

    /// <summary>Lets the container of a pod start again.</summary>
    public void Unblock(string pod) => _blocked.TryRemove(pod, out _);

    /// <summary>The folder of a node's volume, while the node runs.</summary>
    public string FolderOf(string pod) =>
        $"/proc/{Kubelet.ReadProcesses(Namespace, pod)[RedisNames.Container].ToString(CultureInfo.InvariantCulture)}/root/data";

    /// <summary>Serial numbers of the certificates that nodes serve to new connections.</summary>
    public async Task<IReadOnlyList<string?>> ReadCertificatesAsync()
    {
        var access = await ReadAccessAsync();
        return await Task.WhenAll((await ReadPodsAsync()).Select(pod => RedisClient.ReadCertificateAsync(AddressOf(pod), access, Limit, Token)));
    }

    /// <summary>What all nodes say, by pod.</summary>
    public async Task<IReadOnlyDictionary<string, NodeView>> AskAsync()
    {
        var pods = await ReadPodsAsync();
        var views = await Task.WhenAll(
            pods.Where(pod => pod.Status?.PodIP is not null)
                .Select(async pod =>
                    NodeView.Of(pod.Metadata.Name, await _redis.SendAsync(AddressOf(pod), await ReadAccessAsync(), RoundLimit, NodeView.Questions, Token))
                )
        );
        return views.ToDictionary(view => view.Pod);
    }

    /// <summary>What all nodes say, as soon as that many answer: on a busy machine one may not answer in time.</summary>
    public async Task<IReadOnlyDictionary<string, NodeView>> AskAllAsync(int least = 6)
    {
        IReadOnlyDictionary<string, NodeView> views = new Dictionary<string, NodeView>();
        await Eventually.HoldsAsync(
            async () => (views = await AskAsync()).Values.Count(view => view.Answers) >= least,
            () => $"{least} nodes answer",
            TimeSpan.FromSeconds(120)
        );
        return views;
    }

    /// <summary>The pod of a shard's master.</summary>
    public async Task<string> FindMasterAsync(int shard)
    {
        string? found = null;
        await Eventually.HoldsAsync(
            async () =>
                (
                    found = (await AskAsync())
                        .Values.FirstOrDefault(view => view.OwnsSlots && view.Pod.StartsWith($"eu-redis-{shard}-", StringComparison.Ordinal))
                        ?.Pod
                )
                    is not null,
            () => $"shard {shard} has a master",
            TimeSpan.FromSeconds(120)
        );
        return found!;
    }

    /// <summary>Sends a command to the node in a pod.</summary>
    public async Task<RedisOutcome> SendAsync(string pod, params IReadOnlyList<string> command) =>
        await _redis.SendAsync(AddressOf(await ReadPodAsync(pod)), await ReadAccessAsync(), Limit, command, Token);

    /// <summary>Sends a command to the node at an address, which may hang.</summary>
    public async Task<RedisOutcome> SendAsync(IPEndPoint node, params IReadOnlyList<string> command) =>
        await _redis.SendAsync(node, await ReadAccessAsync(), RoundLimit, command, Token);

    /// <summary>Stores a value of a key in a shard, whichever node is its master by then.</summary>
    public Task SetAsync(int shard, string key, string value) =>
        Eventually.HoldsAsync(async () => (await SendAsync(await FindMasterAsync(shard), "SET", key, value)).Succeeded, () => $"{key} is written");

    /// <summary>The value of a key in a shard, from whichever node is its master by then.</summary>
    public async Task<string> GetAsync(int shard, string key)
    {
        RedisOutcome? outcome = null;
        await Eventually.HoldsAsync(
            async () => (outcome = await SendAsync(await FindMasterAsync(shard), "GET", key)).Succeeded,
            () => $"{key} is read: {outcome?.Error}"
        );
        return outcome!.Text;
    }

    /// <summary>Makes the node in a pod the master of its shard, by the nodes' own vote.</summary>
    public Task PromoteAsync(string pod)
    {
        long? asked = null;
        return Eventually.HoldsAsync(
            async () =>
            {
                if ((await AskAsync()).TryGetValue(pod, out var view) && view.OwnsSlots)
                    return true;
                // The nodes give a request up after five seconds, also because a busy machine let none of them answer.
                if (asked is null || Stopwatch.GetElapsedTime(asked.Value) > TimeSpan.FromSeconds(10))
                {
                    await SendAsync(pod, "CLUSTER", "FAILOVER");
                    asked = Stopwatch.GetTimestamp();
                }

                return false;
            },
            () => $"{pod} is a master"
        );
    }

    /// <summary>
    /// Waits for the event of a failover. Not for the last failover of the status: on a busy machine another shard may have one.
    /// </summary>
    /// <param name="from">The former master.</param>
    /// <param name="cause">The cause.</param>
    public async Task UntilToldAsync(string from, FailoverCause cause)
    {
        IReadOnlyList<string> told = [];
        await Eventually.HoldsAsync(
            async () =>
            {
                told =
                [
                    .. (await Client.CoreV1.ListNamespacedEventAsync(Namespace, cancellationToken: Token))
                        .Items.Where(one => one.Reason == "RedisFailover")
                        .Select(one => one.Message),
                ];
                return told.Any(message =>
                    message.Contains($"took over from {from} ", StringComparison.Ordinal) && message.Contains($"({cause})", StringComparison.Ordinal)
                );
            },
            () => $"a failover from {from} by {cause} is told; told are: {string.Join(" ", told)}",
            TimeSpan.FromMinutes(2)
        );
    }

    /// <summary>The pods of the region's Redis.</summary>
    public async Task<IReadOnlyList<V1Pod>> ReadPodsAsync() =>
        [.. (await Client.CoreV1.ListNamespacedPodAsync(Namespace, labelSelector: "app.kubernetes.io/component=redis", cancellationToken: Token)).Items];

    /// <summary>A pod.</summary>
    public Task<V1Pod> ReadPodAsync(string name) => Client.CoreV1.ReadNamespacedPodAsync(name, Namespace, cancellationToken: Token);

    /// <summary>Where the node in a pod listens.</summary>
    public static IPEndPoint AddressOf(V1Pod pod) => new(IPAddress.Parse(pod.Status.PodIP), RedisNames.Port);

    /// <summary>A key in a slot of a range.</summary>
    public async Task<string> FindKeyAsync(string pod, SlotRange range)
    {
        for (var number = 0; ; number++)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"key-{number}");
            var slot = int.Parse((await SendAsync(pod, "CLUSTER", "KEYSLOT", key)).Text, CultureInfo.InvariantCulture);
            if (range.First <= slot && slot <= range.Last)
                return key;
        }
    }

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
        while (_owned.TryPop(out var owned))
            await owned.DisposeAsync();
        _redis.Dispose();
        Client.Dispose();
        await _namespace.DisposeAsync();
    }

    private async Task<RedisAccess> ReadAccessAsync()
    {
        if (_access is not null)
            return _access;
        var region = await ReadAsync();
        var auth = await Client.CoreV1.ReadNamespacedSecretAsync("eu-redis-auth", Namespace, cancellationToken: Token);
        var tls = await Client.CoreV1.ReadNamespacedSecretAsync("eu-redis-tls", Namespace, cancellationToken: Token);
        var password = Encoding.UTF8.GetString(auth.Data["auth.conf"]).Split('\n')[0].Split(' ')[1];
        return _access = new RedisAccess(password, Encoding.UTF8.GetString(tls.Data[CertificateData.Bundle]), RedisNames.HostOf(region));
    }

    private T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    private ContainerProgram? Run(ContainerLaunch launch) =>
        launch.Image is Image or NewImage && !_blocked.ContainsKey(launch.Pod.Metadata.Name) ? launch.Run(launch.Command[0], launch.Command.Skip(1)) : null;
}
