using System.Diagnostics;
using System.Globalization;
using StackExchange.Redis;
using UrlShortener.Chaos.Tests.Histories;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.Chaos.Tests.Traffic;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

public sealed class RedisFailoverTests : ChaosTest
{
    // By default each of the masters twice. `make redis-kills` asks for more.
    private static readonly int Runs = int.Parse(Environment.GetEnvironmentVariable("REDIS_KILLS") ?? "6", CultureInfo.InvariantCulture);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    [Fact]
    [Trait("Case", "C-01")]
    public async Task MasterKilled_UnderLoad_ItsSlotsTakeWritesAgainInFiveSecondsAndNoRequestFails()
    {
        var installation = await InstallAsync(new PostgresClusterOptions(), new RedisClusterOptions(), PatientWithDatabase);
        var redis = installation.Redis!;
        Pod[] pods = [await installation.StartPodAsync("app1"), await installation.StartPodAsync("app2")];
        var followed = await installation.CreateLinksAsync(20, pods, Token);
        var changing = await installation.CreateLinksAsync(4, pods, Token);
        await using var client = await ConnectionMultiplexer.ConnectAsync(OptionsOf(redis));
        var recoveries = new List<TimeSpan>();
        var options = new LoadOptions
        {
            Followed = [.. followed, .. changing],
            Changing = changing,
            Limit = TimeSpan.FromMinutes(30 + Runs),
            Pause = TimeSpan.FromMilliseconds(30),
        };
        await using (var load = StartLoad(installation, pods, options))
        {
            for (var run = 0; run < Runs; run++)
            {
                // Another key each time, so that each of the masters has its turn.
                recoveries.Add(await FailOverAsync(redis, client.GetDatabase(), $"probe:{run}"));
                await redis.WaitUntilHealthyAsync(Token);
            }

            await load.StopAsync();
        }

        var sorted = recoveries.Order().ToList();
        await ReportAsync(
            "C-01",
            $"C-01: {Runs} masters killed; seconds until a write to their slots succeeded again:",
            $"median {sorted[Runs / 2].TotalSeconds:0.00}, max {sorted[^1].TotalSeconds:0.00}",
            string.Join(' ', recoveries.Select(recovery => $"{recovery.TotalSeconds:0.00}"))
        );
        // An election is a few rounds of questions among all nodes, which take longer on a busy machine.
        var bound = Bound + (50 * installation.History.MachineDelay(TimeSpan.Zero, followed));
        Assert.True(sorted[^1] < bound, $"The slowest took {sorted[^1].TotalSeconds:0.00} s.");
        foreach (var kind in Enum.GetValues<OperationKind>().Except([OperationKind.Delete]))
            AssertAllAnswered($"requests of the kind {kind}", installation.History.Find(kind, TimeSpan.Zero, TimeSpan.MaxValue));
        await installation.VerifyAsync(pods[0], StaleBound, [], Token);
    }

    // As the product configures it.
    private static ConfigurationOptions OptionsOf(RedisCluster redis)
    {
        var options = ConfigurationOptions.Parse(redis.Configuration);
        options.AbortOnConnectFail = false;
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.ConnectTimeout = 1_000;
        options.ConnectRetry = 1;
        options.ReconnectRetryPolicy = new LinearRetry(100);
        options.HeartbeatInterval = TimeSpan.FromMilliseconds(200);
        options.ConfigCheckSeconds = 1;
        options.SyncTimeout = 1_000;
        return options;
    }

    private static async Task<TimeSpan> FailOverAsync(RedisCluster redis, IDatabase database, string key)
    {
        var master = await redis.GetMasterOfKeyAsync(key, Token);
        // On a busy machine the client connects late.
        await Eventually.HoldsAsync(() => TrySetAsync(database, key), $"a write to {key} succeeds before the failure");
        var killed = Stopwatch.GetTimestamp();
        await master.KillAsync(Token);
        while (!await TrySetAsync(database, key))
        {
            Assert.True(Stopwatch.GetElapsedTime(killed) < TimeSpan.FromMinutes(5), $"No write to {key} succeeded for 5 minutes.");
            await Task.Delay(10, Token);
        }

        var recovery = Stopwatch.GetElapsedTime(killed);
        await master.StartAsync(Token);
        return recovery;
    }

    private static async Task<bool> TrySetAsync(IDatabase database, string key)
    {
        try
        {
            return await database.StringSetAsync(key, "after");
        }
        catch (Exception error) when (error is RedisException or TimeoutException)
        {
            return false;
        }
    }
}
