using System.Diagnostics;
using System.Globalization;
using k8s;
using UrlShortener.Operator.Redis.Cluster;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>
/// How long writes to a shard stop when its master dies, many times; and that all pods at other addresses serve their data. `make redis-failovers` requires less than 5 s each time, on a machine that does nothing else.
/// REDIS_FAILOVERS is the number of runs of each kind; by default two.
/// </summary>
public sealed class RedisFailoverSeriesTests(ApiServerFixture apiServer)
{
    private const int Default = 2;
    private static readonly bool IsMeasurement = Environment.GetEnvironmentVariable("REDIS_FAILOVERS") is not null;

    // In the suite, other tests have the processors too.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(IsMeasurement ? 5 : 30);
    private static readonly TimeSpan MoveLimit = TimeSpan.FromSeconds(IsMeasurement ? 15 : 60);

    [Fact]
    public async Task Master_LostAgainAndAgain_IsSucceededInTime()
    {
        var runs = int.TryParse(Environment.GetEnvironmentVariable("REDIS_FAILOVERS"), NumberStyles.None, CultureInfo.InvariantCulture, out var wanted)
            ? wanted
            : Default;
        await using var lab = await RedisLab.StartAsync(apiServer);
        await lab.CreateAsync();
        await lab.UntilReadyAsync();
        await using var loop = await SetLoop.StartAsync(lab, shard: 1);
        await loop.AwaitWritesAsync(10);
        await using var sampler = SlotOwnerSampler.Start(lab);
        var (killed, deleted, moved) = (new List<TimeSpan>(), new List<TimeSpan>(), new List<TimeSpan>());
        for (var run = 0; run < runs; run++)
        {
            killed.Add(await MeasureAsync(lab, loop, master => lab.Kubelet.KillPodAsync(lab.Namespace, master)));
            deleted.Add(
                await MeasureAsync(
                    lab,
                    loop,
                    master =>
                        lab.Client.CoreV1.DeleteNamespacedPodAsync(
                            master,
                            lab.Namespace,
                            gracePeriodSeconds: 0,
                            cancellationToken: TestContext.Current.CancellationToken
                        )
                )
            );
        }

        for (var run = 0; run < (runs + 1) / 2; run++)
            moved.Add(await MoveAllAsync(lab));
        var text = $"process killed: {Tell(killed)}; pod deleted by force: {Tell(deleted)}; all pods moved: {Tell(moved)}";
        TestContext.Current.TestOutputHelper?.WriteLine(text);
        if (Environment.GetEnvironmentVariable("REDIS_FAILOVERS_FILE") is { } file)
            await File.WriteAllTextAsync(file, text + "\n", TestContext.Current.CancellationToken);
        Assert.Empty(await sampler.StopAsync());
        Assert.All(killed.Concat(deleted), one => Assert.True(one < (IsMeasurement ? Limit : loop.Allow(Limit)), text));
        Assert.All(moved, one => Assert.True(one < (IsMeasurement ? MoveLimit : loop.Allow(MoveLimit)), text));
    }

    // From the moment in which all pods run at other addresses until all nodes serve and all links are up.
    private static async Task<TimeSpan> MoveAllAsync(RedisLab lab)
    {
        await lab.UntilReadyAsync();
        var before = await lab.ReadPodsAsync();
        var master = await lab.FindMasterAsync(0);
        var key = await lab.FindKeyAsync(master, SlotRange.Of(0, 3));
        await lab.SetAsync(0, key, "marker");
        // appendfsync everysec: what was written a second ago is on disk.
        await lab.SendAsync(master, "BGREWRITEAOF");
        await Eventually.HoldsAsync(async () =>
            (await lab.SendAsync(master, "INFO", "persistence")).Text.Contains("aof_pending_bio_fsync:0", StringComparison.Ordinal)
        );
        await Task.WhenAll(
            before.Select(pod =>
                lab.Client.CoreV1.DeleteNamespacedPodAsync(
                    pod.Metadata.Name,
                    lab.Namespace,
                    gracePeriodSeconds: 0,
                    cancellationToken: TestContext.Current.CancellationToken
                )
            )
        );
        await Eventually.HoldsAsync(
            async () =>
            {
                var now = await lab.ReadPodsAsync();
                return now.Count == 6 && now.All(pod => pod.Status?.Phase == "Running" && before.All(old => old.Metadata.Uid != pod.Metadata.Uid));
            },
            () => "all pods run again",
            TimeSpan.FromSeconds(120)
        );
        var began = Stopwatch.GetTimestamp();
        await Eventually.HoldsAsync(
            async () =>
            {
                var views = await lab.AskAsync();
                return views.Count == 6 && views.Values.All(view => view.IsStateOk && (view.OwnsSlots || view.IsLinkUp));
            },
            () => "all nodes work",
            TimeSpan.FromSeconds(120)
        );
        var elapsed = Stopwatch.GetElapsedTime(began);
        await lab.UntilReadyAsync();
        Assert.Equal("marker", await lab.GetAsync(0, key));
        Assert.Empty((await lab.ReadPodsAsync()).Select(pod => pod.Status.PodIP).Intersect(before.Select(pod => pod.Status.PodIP)));
        return elapsed;
    }

    private static async Task<TimeSpan> MeasureAsync(RedisLab lab, SetLoop loop, Func<string, Task> endAsync)
    {
        await lab.UntilReadyAsync();
        var master = await lab.FindMasterAsync(1);
        loop.Reset();
        await endAsync(master);
        await loop.AwaitWritesAsync(30);
        var longest = loop.Longest;
        await lab.UntilReadyAsync();
        return longest;
    }

    private static string Tell(List<TimeSpan> times) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{times.Count} runs, {times.Min().TotalSeconds:0.00} to {times.Max().TotalSeconds:0.00} s, mean {times.Average(one => one.TotalSeconds):0.00} s"
        );
}
