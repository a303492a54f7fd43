using System.Globalization;
using k8s;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;

namespace UrlShortener.TestServers.Tests;

/// <summary>What this program does as a process to be killed: it holds servers, one of them frozen, and prints the numbers of all their processes.</summary>
internal static class HostProgram
{
    /// <summary>The argument that chooses this instead of the tests.</summary>
    public const string Argument = "hold-servers";

    /// <summary>Runs until the process is killed.</summary>
    public static async Task<int> RunAsync()
    {
        await using var cluster = await PostgresCluster.StartAsync(new PostgresClusterOptions { Replicas = 1 }, CancellationToken.None);
        await using var redis = await RedisServer.StartAsync(new RedisServerOptions(), CancellationToken.None);
        await cluster.Nodes[0].FreezeAsync(CancellationToken.None);
        Console.WriteLine(string.Join(' ', ProcessesOf(cluster, redis)));
        await Task.Delay(Timeout.Infinite);
        return 0;
    }

    /// <summary>The argument that chooses a cluster with a pod instead of the tests.</summary>
    public const string ClusterArgument = "hold-cluster";

    /// <summary>Holds a cluster and a pod whose program has a child of its own, until the process is killed.</summary>
    public static async Task<int> RunClusterAsync()
    {
        await using var cluster = await KubernetesCluster.StartAsync(new KubernetesClusterOptions(), CancellationToken.None);
        await using var kubelet = await ProcessKubelet.StartAsync(cluster, new ProcessKubeletOptions { Program = Samples.Program }, CancellationToken.None);
        using var client = cluster.CreateClient();
        var space = await cluster.CreateNamespaceAsync("held", CancellationToken.None);
        var pod = Samples.Pod("held", Samples.Shell("(setsid sleep 1000 & sleep 1000) & sleep 1000"));
        await client.CoreV1.CreateNamespacedPodAsync(pod, space.Name);
        while ((await client.CoreV1.ReadNamespacedPodAsync("held", space.Name)).Status.Phase != "Running")
            await Task.Delay(50);
        List<int> processes;
        // The shell starts its children one by one: with itself, they are four at least.
        while ((processes = ReadTrees(kubelet.ReadProcesses(space.Name, "held").Values)).Count < 4)
            await Task.Delay(50);
        Console.WriteLine(string.Join(' ', [.. cluster.ProcessIds, .. processes]));
        await Task.Delay(Timeout.Infinite);
        return 0;
    }

    /// <summary>All processes of servers, PostgreSQL's children too.</summary>
    public static int[] ProcessesOf(PostgresCluster cluster, RedisServer redis)
    {
        int[] servers = [.. cluster.Nodes.Select(node => node.ProcessId!.Value), redis.Node.ProcessId!.Value];
        return [.. servers, .. servers.SelectMany(ReadChildren)];
    }

    private static List<int> ReadTrees(IEnumerable<int> roots)
    {
        List<int> processes = [.. roots];
        for (var i = 0; i < processes.Count; i++)
            processes.AddRange(ReadChildren(processes[i]));
        return processes;
    }

    private static IEnumerable<int> ReadChildren(int server) =>
        File.ReadAllText($"/proc/{server}/task/{server}/children")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture));
}
