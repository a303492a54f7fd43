using System.Security.Cryptography;
using UrlShortener.Chaos.Tests.Histories;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.Chaos.Tests.Traffic;
using UrlShortener.TestServers.Postgres;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

public sealed class KeyServiceTests : ChaosTest
{
    private const int Kills = 4;
    private const int RegionLevel = 3_000;

    [Fact]
    [Trait("Case", "C-04")]
    public async Task ServiceKilled_AgainAndAgainThenForLong_LinksAreCreatedFromThePoolThenOnDemand()
    {
        var installation = await InstallAsync(
            new PostgresClusterOptions(),
            PatientRedis,
            [
                .. PatientWithDatabase,
                "--Keys:PoolSize=200",
                "--Keys:LowWatermark=100",
                "--Keys:BatchSize=100",
                $"--Kgs:TargetLevel={RegionLevel}",
                "--Kgs:LowWatermark=2000",
                "--Kgs:CriticalWatermark=200",
                "--Kgs:BatchSize=500",
                $"--Kgs:Token={KeyService.Token}",
            ]
        );
        var first = await StartServiceAsync(installation, "kgs0");
        var second = await StartServiceAsync(installation, "kgs-second");
        await Eventually.ReadAsync(first.ReadLevelAsync, level => level >= RegionLevel, "the region's pool is full");
        Pod[] pods = [await installation.StartPodAsync("app1", "--Role=app"), await installation.StartPodAsync("app2", "--Role=app")];
        var cached = await installation.CreateLinksAsync(10, pods, Token);
        await WaitForPoolAsync(pods[0], "healthy");
        var history = installation.History;
        var options = new LoadOptions
        {
            Creators = 8,
            Visitors = 1,
            Followed = cached,
            Pause = TimeSpan.FromMilliseconds(2),
        };
        await using (var load = StartLoad(installation, pods, options))
        {
            // Two at once, one of which dies at any point of its work while links take codes away.
            for (var kill = 1; kill <= Kills; kill++)
            {
                var created = history.Operations.Count + 50 + RandomNumberGenerator.GetInt32(200);
                await UntilAsync(() => history.Operations.Count > created, "work goes on");
                await first.Pod.KillAsync();
                first = await StartServiceAsync(installation, $"kgs{kill}");
            }

            await Task.WhenAll(first.Pod.KillAsync(), second.Pod.KillAsync());
            await Task.WhenAll(pods.Select(pod => Eventually.ReadAsync(() => ReadOnDemandAsync(pod), made => made > 100, $"{pod.Name} makes codes on demand")));
            await WaitForPoolAsync(pods[0], "degraded");
            Assert.Equal(200, (await pods[0].Anonymous.GetAsync("/health")).Status);

            first = await StartServiceAsync(installation, "kgs-last");
            await Task.WhenAll(pods.Select(pod => WaitForPoolAsync(pod, "healthy")));
            await load.StopAsync();
        }

        var creations = history.Find(OperationKind.Create, TimeSpan.Zero, TimeSpan.MaxValue);
        AssertAllAnswered("creations", creations);
        Assert.All(creations, create => Assert.Equal(201, create.Status));
        Write($"{await ReadOnDemandAsync(pods[0])} and {await ReadOnDemandAsync(pods[1])} codes were made on demand");
        await Eventually.ReadAsync(first.ReadLevelAsync, level => level >= RegionLevel / 2, "the region's pool fills again");
        await installation.VerifyAsync(pods[1], StaleBound, [], Token);
    }

    private static async Task<KeyService> StartServiceAsync(Installation installation, string name) =>
        new(await installation.StartPodAsync(name, "--Role=kgs"));

    private static Task<double> ReadOnDemandAsync(Pod pod) => pod.ReadMetricAsync("shortener_keys_on_demand_total");

    private static Task<Reply> WaitForPoolAsync(Pod pod, string state) =>
        Eventually.ReadAsync(
            () => pod.Anonymous.GetAsync("/health"),
            reply => reply.Json.GetProperty("components").GetProperty("kgs").GetString() == state,
            $"the key pool of {pod.Name} is {state}"
        );
}
