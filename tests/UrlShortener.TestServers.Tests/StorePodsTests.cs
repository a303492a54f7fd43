using System.Diagnostics;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Npgsql;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using Xunit;

namespace UrlShortener.TestServers.Tests;

/// <summary>The real Patroni in pods of a process kubelet, without an operator. Nodes that die and Redis have their tests with the operator.</summary>
public sealed class StorePodsTests(KubernetesClusterFixture fixture) : ServerTest, IAsyncLifetime
{
    private const int Stop = 19;
    private const int Continue = 18;
    private static readonly string[] Members = ["pg-0", "pg-1", "pg-2"];
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private ProcessKubelet? _node;
    private KubernetesCluster _cluster = null!;
    private IKubernetes _client = null!;
    private KubernetesNamespace _space = null!;
    private StorePrograms _stores = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await SharedAsync(fixture);
        RequireLocal(_cluster);
        _stores = await OrSkipAsync(() => StorePrograms.FindAsync(Token));
        _client = _cluster.CreateClient();
        _space = await _cluster.CreateNamespaceAsync("stores", Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
            await _node.DisposeAsync();
        // None of them where the test was skipped.
        if (_space is not null)
            await _space.DisposeAsync();
        _client?.Dispose();
    }

    [Fact]
    public async Task Patroni_AllPodsReplacedAtOnce_FormAgainOverTheirDataAtOtherAddresses()
    {
        var node = await StartNodeAsync();
        await ApplyAsync("patroni.yaml");
        var leader = await LeaderAsync();
        await using (var connection = await ConnectAsync(leader))
            await ExecuteAsync(connection, "CREATE TABLE t AS SELECT 1 AS n");
        await node.SignalProcessesAsync(_space.Name, leader, "patroni", Stop);
        Assert.Equal(1, await CountAsync(leader));
        await node.SignalProcessesAsync(_space.Name, leader, "patroni", Continue);
        var before = await PodsAsync("pg");

        var began = Stopwatch.GetTimestamp();
        await ReplaceAllAsync("pg", before);
        Tell("all pods are ready again after", began);
        var next = await LeaderAsync();
        await using (var connection = await ConnectAsync(next))
            await ExecuteAsync(connection, "INSERT INTO t VALUES (2)");
        Tell("formed again after", began);

        Assert.Empty((await PodsAsync("pg")).Select(pod => pod.Status.PodIP).Intersect(before.Select(pod => pod.Status.PodIP)));
        foreach (var replica in Others(next))
            await Eventually.HoldsAsync(async () => await CountAsync(replica) == 2, $"{replica} has both rows");
    }

    private async Task<ProcessKubelet> StartNodeAsync()
    {
        var options = new ProcessKubeletOptions { Namespaces = [_space.Name], Program = _stores.Run };
        return _node = await OrSkipAsync(() => ProcessKubelet.StartAsync(_cluster, options, Token));
    }

    private Task<string> ApplyAsync(string file) =>
        _cluster.RunKubectlAsync(["apply", "-n", _space.Name, "-f", Checkout.PathOf("tests/UrlShortener.TestServers.Tests", file)], Token);

    private async Task<IList<V1Pod>> PodsAsync(string application) =>
        (await _client.CoreV1.ListNamespacedPodAsync(_space.Name, labelSelector: $"app={application}", cancellationToken: Token)).Items;

    private Task ReadyAsync(string application, int count) =>
        Eventually.HoldsAsync(
            async () =>
                (await PodsAsync(application)).Count(pod => pod.Status.Conditions?.Any(one => one is { Type: "Ready", Status: "True" }) == true) == count,
            () => $"{count} pods are ready",
            Limit
        );

    /// <summary>Removes all pods without any grace, and waits until others are ready.</summary>
    private async Task ReplaceAllAsync(string application, IList<V1Pod> old)
    {
        await _client.CoreV1.DeleteCollectionNamespacedPodAsync(
            _space.Name,
            gracePeriodSeconds: 0,
            labelSelector: $"app={application}",
            cancellationToken: Token
        );
        await Eventually.HoldsAsync(
            async () => !(await PodsAsync(application)).Select(pod => pod.Metadata.Uid).Intersect(old.Select(pod => pod.Metadata.Uid)).Any(),
            () => "the old pods are gone",
            Limit
        );
        await ReadyAsync(application, old.Count);
    }

    /// <summary>
    /// Waits until Patroni has a leader and all members run, and all replicas may replace it: before that, none would. Returns the leader's pod.
    /// </summary>
    private async Task<string> LeaderAsync()
    {
        string? leader = null;
        var last = "";
        await Eventually.HoldsAsync(
            async () =>
            {
                leader = await ReadAnnotationAsync("pg-leader", "leader");
                var standbys = await ReadAnnotationAsync("pg-sync", "sync_standby") ?? "";
                var states = (await PodsAsync("pg"))
                    .Select(pod => (pod.Metadata.Name, Status: JsonNode.Parse(Find(pod.Metadata.Annotations, "status") ?? "{}")!))
                    .ToList();
                last = $"leader {leader}, standbys {standbys}; {string.Join("; ", states.Select(one => $"{one.Name} {one.Status.ToJsonString()}"))}";
                return leader is not null
                    && Others(leader).All(standbys.Split(',').Contains)
                    && states.Count(one =>
                        one.Name == leader ? (string?)one.Status["role"] == "primary" : (string?)one.Status["replication_state"] == "streaming"
                    ) == Members.Length;
            },
            () => $"all members run, with a leader; {last}",
            Limit
        );
        return leader!;
    }

    private async Task<string?> ReadAnnotationAsync(string map, string name) =>
        Find(
            (await _client.CoreV1.ListNamespacedConfigMapAsync(_space.Name, fieldSelector: $"metadata.name={map}", cancellationToken: Token))
                .Items.FirstOrDefault()
                ?.Metadata.Annotations,
            name
        );

    private static string? Find(IDictionary<string, string>? annotations, string name) => annotations?.TryGetValue(name, out var value) == true ? value : null;

    private async Task<NpgsqlConnection> ConnectAsync(string pod)
    {
        var address = (await PodsAsync("pg")).First(one => one.Metadata.Name == pod).Status.PodIP;
        var connection = new NpgsqlConnection(
            $"Host={address};Username=postgres;Password=super;Database=postgres;Pooling=false;Timeout=60;Command Timeout=300"
        );
        await connection.OpenAsync(Token);
        return connection;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Token);
    }

    /// <summary>How many rows a pod has; null while it does not answer.</summary>
    private async Task<long?> CountAsync(string pod)
    {
        try
        {
            await using var connection = await ConnectAsync(pod);
            await using var command = new NpgsqlCommand("SELECT count(*) FROM t", connection);
            return (long?)await command.ExecuteScalarAsync(Token);
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }

    private static IEnumerable<string> Others(string pod) => Members.Where(one => one != pod);

    private static void Tell(string what, long began) =>
        TestContext.Current.TestOutputHelper!.WriteLine($"{what} {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s");
}
