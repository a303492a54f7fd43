using UrlShortener.Chaos.Tests.Histories;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.Chaos.Tests.Traffic;
using UrlShortener.TestServers.Postgres;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

public sealed class ShutdownTests : ChaosTest
{
    private const int PoolSize = 2_000;
    private const int RegionLevel = 20_000;

    [Fact]
    public async Task Stop_UnderLoad_EveryRequestIsAnsweredAndUnusedKeysGoBack()
    {
        var installation = await InstallAsync(
            new PostgresClusterOptions(),
            PatientRedis,
            [
                .. PatientWithDatabase,
                $"--Keys:PoolSize={PoolSize}",
                $"--Keys:LowWatermark={PoolSize / 2}",
                $"--Kgs:TargetLevel={RegionLevel}",
                $"--Kgs:LowWatermark={RegionLevel / 2}",
                $"--Kgs:CriticalWatermark={RegionLevel / 10}",
                $"--Kgs:Token={KeyService.Token}",
            ]
        );
        var service = new KeyService(await installation.StartPodAsync("kgs1", "--Role=kgs"));
        await Eventually.ReadAsync(service.ReadLevelAsync, level => level >= RegionLevel, "the region's pool is full");
        var pod = await installation.StartPodAsync("app1", "--Role=app");
        await Eventually.ReadAsync(() => pod.ReadMetricAsync("shortener_key_pool_level"), level => level >= PoolSize, "the pod has its codes");
        var cached = await installation.CreateLinksAsync(20, [pod], Token);
        await service.Pod.KillAsync();
        var history = installation.History;
        var options = new LoadOptions
        {
            Creators = 8,
            Visitors = 4,
            Followed = cached,
            Pause = TimeSpan.FromMilliseconds(1),
        };
        await using (var load = StartLoad(installation, [pod], options))
        {
            await UntilAsync(() => history.Operations.Count > 500, "the pod is at work");
            await pod.StopAsync();
            await load.StopAsync();
        }

        // A request that met a closed port was never taken, and one that was taken was answered. The port closes with the process, so that a connection that
        // was made just before may be reset: such a request was not begun.
        var operations = history.Operations;
        Assert.DoesNotContain(operations, operation => operation.Status >= 500);
        var other = await installation.StartPodAsync("app2", "--Role=app");
        var used = operations.Count(operation => operation is { Kind: OperationKind.Create, IsAcknowledged: true });
        Write($"{operations.Count} operations, {operations.Count(operation => operation.Status == 0)} refused connections, {used} links");
        var second = new KeyService(await installation.StartPodAsync("kgs2", "--Role=kgs", "--Kgs:LowWatermark=101", "--Kgs:CriticalWatermark=100"));
        await Eventually.ReadAsync(() => other.ReadMetricAsync("shortener_key_pool_level"), level => level >= PoolSize, "the next pod has its codes");
        // What the stopped pod did not use is there again, but for codes that were in the hands of requests without an answer.
        await Eventually.ReadAsync(
            second.ReadLevelAsync,
            level => level <= RegionLevel - PoolSize && level >= RegionLevel - PoolSize - used - 16,
            "unused codes went back"
        );
        await installation.VerifyAsync(other, StaleBound, [], Token);
    }
}
