using System.Text;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Npgsql;
using StackExchange.Redis;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

/// <summary>A region with one pod of the app, and its pool, with hands on its codes in Redis and on its database.</summary>
internal sealed class PoolLab : IAsyncDisposable
{
    private const int Sets = 64;

    private readonly ConnectionMultiplexer _redis;
    private readonly string _database;

    private PoolLab(RegionLab lab, ConnectionMultiplexer redis, string database)
    {
        Lab = lab;
        _redis = redis;
        _database = database;
    }

    public RegionLab Lab { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IDatabase Redis => _redis.GetDatabase();

    /// <summary>Starts it, with the region <c>eu</c> unless the test makes that.</summary>
    public static async Task<PoolLab> StartAsync(ApiServerFixture apiServer, StoresFixture stores, bool hasRegion = true)
    {
        var lab = await RegionLab.StartAsync(apiServer, stores);
        var redis = await ConnectionMultiplexer.ConnectAsync(
            // In milliseconds: on a busy machine a server that is well must not look ill.
            $"{(await stores.GetRedisAsync()).Configuration},connectTimeout=60000,syncTimeout=60000,asyncTimeout=60000"
        );
        var secret = await lab.Client.CoreV1.ReadNamespacedSecretAsync("postgres", lab.Namespace, cancellationToken: Token);
        if (hasRegion)
            await lab.Client.CreateAsync(lab.Region(patch: """{ "app": { "minReplicas": 1 } }"""));
        return new PoolLab(lab, redis, Encoding.UTF8.GetString(secret.Data["connectionString"]));
    }

    /// <summary>A pool of the region, small enough to be filled in a moment, with a merge patch applied.</summary>
    public JsonObject Pool(string name = "keys", string? patch = null)
    {
        var spec = JsonNode.Parse(
            """
            {
              "regionRef": { "name": "eu" },
              "targetAvailable": 3000, "lowWatermark": 2000, "criticalWatermark": 1000, "batchSize": 500, "maxParallelBatches": 1, "leaseBlockSize": 100,
              "kgs": { "minReplicas": 1, "maxReplicas": 2 }
            }
            """
        );
        return SpecJson.Object(V1Alpha1KeyPool.KubeKind, Lab.Namespace, name, SpecJson.Merge(spec, patch is null ? new JsonObject() : JsonNode.Parse(patch))!);
    }

    /// <summary>The pool as it is stored.</summary>
    public async Task<V1Alpha1KeyPool> ReadAsync(string name = "keys") =>
        KubernetesJson.Deserialize<V1Alpha1KeyPool>(
            KubernetesObjects
                .Parse(
                    await Lab.Client.CustomObjects.GetNamespacedCustomObjectAsync(
                        ApiGroup.Name,
                        ApiGroup.Version,
                        Lab.Namespace,
                        V1Alpha1KeyPool.KubePlural,
                        name,
                        Token
                    )
                )
                .ToJsonString()
        );

    /// <summary>Changes the pool by a merge patch.</summary>
    public Task PatchAsync(string patch, string name = "keys") =>
        Lab.Client.CustomObjects.PatchNamespacedCustomObjectAsync(
            new V1Patch(patch, V1Patch.PatchType.MergePatch),
            ApiGroup.Name,
            ApiGroup.Version,
            Lab.Namespace,
            V1Alpha1KeyPool.KubePlural,
            name,
            cancellationToken: Token
        );

    /// <summary>As <c>kubectl scale kp</c> does.</summary>
    public Task ScaleAsync(int target) =>
        Lab.Client.CustomObjects.PatchNamespacedCustomObjectScaleAsync(
            new V1Patch($$"""{ "spec": { "replicas": {{target}} } }""", V1Patch.PatchType.MergePatch),
            ApiGroup.Name,
            ApiGroup.Version,
            Lab.Namespace,
            V1Alpha1KeyPool.KubePlural,
            "keys",
            cancellationToken: Token
        );

    /// <summary>Waits until the pool is as told.</summary>
    public async Task<V1Alpha1KeyPool> UntilAsync(Func<V1Alpha1KeyPool, bool> condition, string what, string name = "keys", Func<Task>? meanwhile = null)
    {
        V1Alpha1KeyPool? pool = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                if (meanwhile is not null)
                    await meanwhile();
                pool = await ReadAsync(name);
                return condition(pool);
            },
            () => $"{what}; there is {(pool?.Status is { } status ? KubernetesJson.Serialize(status) : "no status")}"
        );
        return pool!;
    }

    /// <summary>Waits until the pool has conditions with a status.</summary>
    public Task<V1Alpha1KeyPool> UntilAsync(string status, params string[] types) =>
        UntilAsync(pool => types.All(type => Has(pool, type, status)), $"{string.Join(", ", types)}: {status}");

    /// <summary>Whether a pool has a condition with a status, and perhaps a reason.</summary>
    public static bool Has(V1Alpha1KeyPool pool, string type, string status, string? reason = null) =>
        pool.Status?.ObservedGeneration == pool.Metadata.Generation
        && pool.Status?.Conditions?.Any(condition => condition.Type == type && condition.Status == status && (reason is null || condition.Reason == reason))
            == true;

    /// <summary>Codes in the pool of an epoch.</summary>
    public async Task<long> CountAsync(int epoch = 1) =>
        (await Task.WhenAll(Enumerable.Range(0, Sets).Select(set => Redis.SetLengthAsync(KeyOf(epoch, set))))).Sum();

    /// <summary>Takes codes out until at most so many are left.</summary>
    public async Task DrainAsync(long left, int epoch = 1)
    {
        var excess = await CountAsync(epoch) - left;
        for (var set = 0; set < Sets && excess > 0; set++)
            excess -= (await Redis.SetPopAsync(KeyOf(epoch, set), excess)).Length;
    }

    /// <summary>Makes every batch take so many seconds.</summary>
    public Task SlowDownAsync(int seconds) =>
        ExecuteAsync(
            $"""
            CREATE FUNCTION slow_down() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END';
            CREATE TRIGGER slow_down BEFORE INSERT ON kgs_batches FOR EACH STATEMENT EXECUTE FUNCTION slow_down();
            """
        );

    /// <summary>Makes every batch fail.</summary>
    public Task BreakAsync() =>
        ExecuteAsync(
            """
            CREATE FUNCTION slow_down() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''disk full''; END';
            CREATE TRIGGER slow_down BEFORE INSERT ON kgs_batches FOR EACH STATEMENT EXECUTE FUNCTION slow_down();
            """
        );

    /// <summary>Ends <see cref="SlowDownAsync"/> and <see cref="BreakAsync"/>.</summary>
    public Task MendAsync() => ExecuteAsync("DROP TRIGGER slow_down ON kgs_batches; DROP FUNCTION slow_down");

    /// <summary>Pods of the workers that are not on their way out.</summary>
    public async Task<IReadOnlyList<V1Pod>> WorkersAsync() =>
        [
            .. (
                await Lab.Client.CoreV1.ListNamespacedPodAsync(Lab.Namespace, labelSelector: "app.kubernetes.io/component=kgs", cancellationToken: Token)
            ).Items.Where(pod => pod.Metadata.DeletionTimestamp is null),
        ];

    /// <summary>Has a worker open an epoch, past the operator.</summary>
    public async Task OpenEpochAsync(int epoch)
    {
        var secret = await Lab.Client.CoreV1.ReadNamespacedSecretAsync("keys-kgs-token", Lab.Namespace, cancellationToken: Token);
        using var http = KgsClient.CreateHttp();
        // A worker that was added may not serve yet.
        var workers = await Eventually.ReadAsync(
            async () => (await WorkersAsync()).Where(pod => pod.Status.ContainerStatuses is [{ Ready: true }]).ToList(),
            ready => ready.Count > 0,
            "a worker serves"
        );
        var answer = await new KgsClient(http).OpenEpochAsync(workers[0], Encoding.UTF8.GetString(secret.Data["token"]), epoch, Token);
        Assert.True(answer.IsSuccess, answer.Failure);
    }

    /// <summary>What the pool's events say.</summary>
    public async Task<IReadOnlyList<string>> NotesAsync() =>
        [
            .. (
                await Lab.Client.CoreV1.ListNamespacedEventAsync(Lab.Namespace, fieldSelector: "involvedObject.kind=KeyPool", cancellationToken: Token)
            ).Items.Select(one => one.Message),
        ];

    /// <summary>Reasons of the pool's events.</summary>
    public async Task<IReadOnlyList<string>> EventsAsync() =>
        [
            .. (
                await Lab.Client.CoreV1.ListNamespacedEventAsync(Lab.Namespace, fieldSelector: "involvedObject.kind=KeyPool", cancellationToken: Token)
            ).Items.Select(one => one.Reason),
        ];

    public async ValueTask DisposeAsync()
    {
        await _redis.DisposeAsync();
        await Lab.DisposeAsync();
    }

    private string KeyOf(int epoch, int set) => $"{Lab.Namespace}:keys:eu:{epoch}:{set}";

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Token);
    }
}
