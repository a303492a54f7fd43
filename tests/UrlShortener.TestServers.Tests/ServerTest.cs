using System.Diagnostics;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.TestServers.Tests;

/// <summary>What tests of servers share: starting one, or a skip with the reason why there is none.</summary>
public abstract class ServerTest
{
    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    protected static Task<PostgresCluster> StartAsync(PostgresClusterOptions options) => OrSkipAsync(() => PostgresCluster.StartAsync(options, Token));

    protected static Task<RedisCluster> StartAsync(RedisClusterOptions options) => OrSkipAsync(() => RedisCluster.StartAsync(options, Token));

    protected static Task<RedisServer> StartAsync(RedisServerOptions options) => OrSkipAsync(() => RedisServer.StartAsync(options, Token));

    protected static Task<KubernetesCluster> StartAsync(KubernetesClusterOptions options) => OrSkipAsync(() => KubernetesCluster.StartAsync(options, Token));

    /// <summary>The cluster that tests share.</summary>
    protected static Task<KubernetesCluster> SharedAsync(KubernetesClusterFixture fixture) => OrSkipAsync(fixture.GetAsync);

    /// <summary>Skips the rest of a test that needs a control plane of local processes.</summary>
    protected static void RequireLocal(KubernetesCluster cluster) =>
        Assert.SkipUnless(cluster.IsLocal, "The rest needs a control plane of local processes (KUBEBUILDER_ASSETS).");

    protected static async Task<T> OrSkipAsync<T>(Func<Task<T>> startAsync)
    {
        try
        {
            var started = Stopwatch.GetTimestamp();
            var server = await startAsync();
            TestContext.Current.TestOutputHelper!.WriteLine($"{typeof(T).Name} started in {Stopwatch.GetElapsedTime(started).TotalSeconds:0.00} s");
            return server;
        }
        catch (ServerUnavailableException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }
}
