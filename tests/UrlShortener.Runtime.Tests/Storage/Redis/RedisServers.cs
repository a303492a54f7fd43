using UrlShortener.TestServers;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Redis;

/// <summary>A single server and a cluster of six nodes, started once for all tests of Redis, which run one after another.</summary>
public sealed class RedisServers : IAsyncLifetime
{
    private RedisServer? _standalone;
    private RedisCluster? _cluster;
    private string? _missing;

    /// <summary>The single server; skips the test when Redis cannot be had.</summary>
    public RedisServer Standalone => Require(_standalone);

    /// <summary>The cluster; skips the test when Redis cannot be had.</summary>
    public RedisCluster Cluster => Require(_cluster);

    public async ValueTask InitializeAsync()
    {
        try
        {
            var cluster = RedisCluster.StartAsync(new RedisClusterOptions(), CancellationToken.None);
            _standalone = await RedisServer.StartAsync(new RedisServerOptions(), CancellationToken.None);
            _cluster = await cluster;
        }
        catch (ServerUnavailableException error)
        {
            _missing = error.Message;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
        if (_standalone is not null)
            await _standalone.DisposeAsync();
    }

    private T Require<T>(T? server)
        where T : class
    {
        Assert.SkipWhen(server is null, _missing ?? "Redis could not be started.");
        return server!;
    }
}

/// <summary>Tests that share the servers, and hold calls to their time limits: they run after the others, which would take the processor from the
/// servers.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RedisTestGroup : ICollectionFixture<RedisServers>
{
    public const string Name = "Redis";
}

/// <summary>Which of the servers a test runs against.</summary>
public enum RedisKind
{
    Standalone,
    Cluster,
}
