using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.RateLimiting;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Redis;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Redis;

public sealed class RedisConnectionTests
{
    [Fact]
    public void BuildConfiguration_PlainText_NeverWaits()
    {
        var configuration = RedisConnection.BuildConfiguration("a:6379,b:6379,password=secret", new RedisOptions(), null);

        Assert.Same(BacklogPolicy.FailFast, configuration.BacklogPolicy);
        Assert.False(configuration.AbortOnConnectFail);
        Assert.Equal((1_000, 1_000), (configuration.ConnectTimeout, configuration.AsyncTimeout));
        Assert.Equal((1, 1), (configuration.ConfigCheckSeconds, configuration.ConnectRetry));
        Assert.Equal(TimeSpan.FromMilliseconds(200), configuration.HeartbeatInterval);
        Assert.IsType<LinearRetry>(configuration.ReconnectRetryPolicy);
        Assert.Equal(2, configuration.EndPoints.Count);
    }

    [Fact]
    public void BuildConfiguration_UsersValues_Win()
    {
        var configuration = RedisConnection.BuildConfiguration("a:6379,connectTimeout=3000,configCheckSeconds=7,abortConnect=true", new RedisOptions(), null);

        Assert.Equal((3_000, 7), (configuration.ConnectTimeout, configuration.ConfigCheckSeconds));
        Assert.False(configuration.AbortOnConnectFail);
    }

    [Fact]
    public void BuildConfiguration_LongTimeout_CommandsMayTakeIt() =>
        Assert.Equal(5_000, RedisConnection.BuildConfiguration("a:6379", new RedisOptions { Timeout = TimeSpan.FromSeconds(5) }, null).AsyncTimeout);

    [Fact]
    public void BuildConfiguration_Tunnel_IsUsed()
    {
        var tunnel = Tunnel.HttpProxy(new IPEndPoint(IPAddress.Loopback, 1));
        Assert.Same(tunnel, RedisConnection.BuildConfiguration("a:6379", new RedisOptions(), tunnel).Tunnel);
    }

    [Fact]
    public async Task Census_StopAfterItsTimeoutWithoutRedis_DoesNotFail()
    {
        await using var client = await RedisClient.StartAsync("127.0.0.1:1", RedisClient.NewOptions());
        await client.Census.StartAsync(TestContext.Current.CancellationToken);

        await client.Census.StopAsync(new CancellationToken(canceled: true));
    }

    [Fact]
    public async Task AddRedis_Services_AreThere()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(new ConnectionOptions { Redis = "127.0.0.1:1" });
        services.AddSingleton(new RedisOptions());
        services.AddSingleton(new RegionOptions());
        services.AddSingleton<KeyEpoch>();
        services.AddSingleton<RememberedNames>();
        services.AddRedis();
        services.AddProcessCensus();
        await using var provider = services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });

        Assert.IsType<RedisLinkCache>(provider.GetRequiredService<ISharedLinkCache>());
        Assert.IsType<RedisBuckets>(provider.GetRequiredService<ISharedBuckets>());
        Assert.IsType<RedisKeyPool>(provider.GetRequiredService<IRegionPool>());
        Assert.IsType<SharedKeySource>(provider.GetRequiredService<IKeySource>());
        Assert.Equal(
            [typeof(RedisConnection), typeof(RedisEvictions), typeof(ProcessCensus)],
            provider.GetServices<IHostedService>().Select(service => service.GetType())
        );
    }
}
