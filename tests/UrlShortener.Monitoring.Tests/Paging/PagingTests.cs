using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Npgsql;
using UrlShortener.TestHarness.Monitoring;
using UrlShortener.TestServers.Postgres;
using Xunit;

namespace UrlShortener.Monitoring.Tests.Paging;

/// <summary>Faults of real servers, from the fault to the receiver and back.</summary>
public sealed class PagingTests(MonitoredRegion region) : IClassFixture<MonitoredRegion>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Watchdog_ArrivesAgainAndAgain_WithItsToken()
    {
        region.Require();

        await HoldsAsync(() => Task.FromResult(region.Receiver.Of("watchdog").Count(each => each.Tells("ShortenerWatchdog", "firing")) > 2));

        Assert.All(region.Receiver.Of("watchdog"), each => Assert.Equal("Bearer token-of-the-switch", each.Authorization));
        // For the region, and for no other alert.
        var last = region.Receiver.Of("watchdog")[^1].Body.GetProperty("alerts");
        Assert.Equal(1, last.GetArrayLength());
        Assert.Equal("eu", last[0].GetProperty("labels").GetProperty("region").GetString());
    }

    [Fact]
    public async Task PostgresKilled_ErrorRatePagesAndResolves_AndSilencesItsWarning()
    {
        region.Require();
        var primary = await region.Postgres.GetPrimaryAsync(Token);

        try
        {
            var killed = Stopwatch.GetTimestamp();
            await primary.KillAsync(Token);
            await ArrivesAsync("page", "ShortenerHighErrorRate", "firing");
            Tell($"The page arrived {Seconds(killed)} after PostgreSQL was killed");
            await ArrivesPagerDutyAsync("trigger");
            // The warning about the same fires too, and stays with Alertmanager.
            await HoldsAsync(() => region.Prometheus.FiresAsync("ShortenerErrorRate", "operation=\"createLink\""));
            await HoldsAsync(async () => (await ReadAlertAsync("ShortenerErrorRate", "createLink"))?.State == "suppressed");
        }
        finally
        {
            // Other tests need it.
            await primary.StartAsync(Token);
        }

        var started = Stopwatch.GetTimestamp();
        await ArrivesAsync("page", "ShortenerHighErrorRate", "resolved");
        Tell($"It was resolved {Seconds(started)} after PostgreSQL was back");

        Assert.DoesNotContain(region.Receiver.Of("channel"), each => each.Tells("ShortenerHighErrorRate", "firing"));
        var page = region.Receiver.Of("page").First(each => each.Tells("ShortenerHighErrorRate", "firing"));
        Assert.Equal("Bearer token-of-the-pager", page.Authorization);
        var alert = page
            .Body.GetProperty("alerts")
            .EnumerateArray()
            .First(each => each.GetProperty("labels").GetProperty("alertname").GetString() == "ShortenerHighErrorRate");
        Assert.Equal("shop", alert.GetProperty("labels").GetProperty("namespace").GetString());
        Assert.Equal("eu", alert.GetProperty("labels").GetProperty("region").GetString());
        Assert.Matches(@"It is \d", alert.GetProperty("annotations").GetProperty("description").GetString()!);
    }

    [Fact]
    public async Task ReplicaBehind_Warns_ASilenceHolds()
    {
        region.Require();
        var replica = (await region.Postgres.GetReplicasAsync(Token))[0];
        var before = region.Receiver.Of("channel").Count;
        var silence = await SilenceAsync("ShortenerReplicationLag");

        await MonitoredRegion.ReplayAsync(replica, isPaused: true);
        await HoldsAsync(() => region.Prometheus.FiresAsync("ShortenerReplicationLag"));
        await HoldsAsync(async () => (await ReadAlertAsync("ShortenerReplicationLag", null))?.State == "suppressed");
        // While the silence holds, the watchdog goes on to arrive, and this does not.
        var arrived = region.Receiver.Of("watchdog").Count;
        await HoldsAsync(() => Task.FromResult(region.Receiver.Of("watchdog").Count > arrived + 2));
        Assert.DoesNotContain(region.Receiver.Of("channel").Skip(before), each => each.Tells("ShortenerReplicationLag", "firing"));
        await EndSilenceAsync(silence);
        await ArrivesAsync("channel", "ShortenerReplicationLag", "firing");
        await ResumeAsync(replica);
        await HoldsAsync(async () => !await region.Prometheus.FiresAsync("ShortenerReplicationLag"));
    }

    [Fact]
    public async Task VisitorsFindNothingInTheCache_Warns()
    {
        region.Require();

        region.AreVisitorsLost = true;
        await ArrivesAsync("channel", "ShortenerCacheHitRatioLow", "firing");
        region.AreVisitorsLost = false;

        await HoldsAsync(async () => !await region.Prometheus.FiresAsync("ShortenerCacheHitRatioLow"));
    }

    [Fact]
    public async Task NobodyAnswersAsKafka_WarnsAndSaysWhy()
    {
        region.Require();

        await HoldsAsync(() =>
            Task.FromResult(
                region
                    .Receiver.Of("channel")
                    .Any(each =>
                        each.Tells("ShortenerClickEventsFailing", "firing") && each.Body.GetRawText().Contains("(unreachable)", StringComparison.Ordinal)
                    )
            )
        );
    }

    [Fact]
    public async Task KeyPoolDrained_WarnsThenPages_AndResolvesWhenItIsFull()
    {
        region.Require();
        await HoldsAsync(async () =>
            await region.Prometheus.QueryAsync("region:shortener_pool_keys:min") is [var (_, level)] && level >= MonitoredRegion.PoolTarget * 0.95
        );
        // It fires while the pool is filled for the first time; its group may be evaluated later than the one of the series.
        await HoldsAsync(async () => !await region.Prometheus.FiresAsync("ShortenerKeyPoolLow"));

        await region.DrainPoolAsync(50_000);
        await HoldsAsync(() => region.Prometheus.FiresAsync("ShortenerKeyPoolLow"));
        Assert.False(await region.Prometheus.FiresAsync("ShortenerKeyPoolCritical"));
        await region.DrainPoolAsync(5_000);
        await ArrivesAsync("page", "ShortenerKeyPoolCritical", "firing");
        // An empty pool is filled.
        await region.DrainPoolAsync(0);
        await ArrivesAsync("page", "ShortenerKeyPoolCritical", "resolved");
        await HoldsAsync(async () => !await region.Prometheus.FiresAsync("ShortenerKeyPoolLow"));
    }

    [Fact]
    public async Task EveryPanelOfTheRuntime_HasData_AndEveryMetricOfRulesAndPanelsExists()
    {
        region.Require();
        // What has no series in this region, and why.
        string[] absent =
        [
            // The operator has them, and a test with a real operator looks at them.
            "ALERTS",
            // Only a standby region has it; an end-to-end test of two regions looks at it.
            "shortener_write_region_age_seconds",
            // Only processes that load click events into ClickHouse have them; an end-to-end test of the metrics page starts one.
            "shortener_click_load_",
            "shortener_click_events_loaded_total",
            "shortener_click_events_duplicate_total",
            "shortener_click_events_rejected_total",
            "shortener_click_events_expired_total",
            // Only processes that load results of Flink.
            "shortener_click_results_",
            "shortener_click_floods_total",
        ];
        await HoldsAsync(async () => (await region.Prometheus.QueryAsync("region:shortener_slo_burn:rate3d")).Count > 0);

        // A window of a few seconds may lack scrapes on a busy machine; what has had data once exists.
        var empty = DashboardFiles
            .ReadQueries()
            .Where(query => !query.IsOfOperator && !query.IsOfStores && !absent.Any(name => query.Expression.Contains(name, StringComparison.Ordinal)))
            .ToList();
        await Eventually.HoldsAsync(
            async () =>
            {
                foreach (var query in empty.ToList())
                {
                    if ((await region.Prometheus.QueryAsync(query.ForAll)).Count > 0)
                        empty.Remove(query);
                }

                return empty.Count == 0;
            },
            () => $"data for {string.Join('\n', empty)}"
        );
    }

    private static void Tell(string text) => TestContext.Current.TestOutputHelper?.WriteLine($"{text}, with durations divided by {Faster.Factor}.");

    private static string Seconds(long since) => string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(since).TotalSeconds:0.0} s");

    private static async Task ResumeAsync(PostgresNode replica)
    {
        try
        {
            await MonitoredRegion.ReplayAsync(replica, isPaused: false);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.SerializationFailure)
        {
            // What the replica replays at once cancels the statement that let it.
        }
    }

    private Task ArrivesAsync(string receiver, string alert, string state) =>
        Eventually.HoldsAsync(
            () => Task.FromResult(region.Receiver.Of(receiver).Any(each => each.Tells(alert, state))),
            () => $"{alert} arrives as {state} at {receiver}. Received:\n{region.Receiver}",
            Faster.Limit
        );

    private static Task HoldsAsync(Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        Eventually.HoldsAsync(condition, () => what, Faster.Limit);

    private Task ArrivesPagerDutyAsync(string action) =>
        HoldsAsync(() =>
            Task.FromResult(
                region
                    .Receiver.Of("pagerduty")
                    .Any(each =>
                        each.Body.GetProperty("event_action").GetString() == action
                        && each.Body.GetProperty("routing_key").GetString() == "routing-key-of-the-test"
                    )
            )
        );

    private async Task<(string State, string Id)?> ReadAlertAsync(string alert, string? operation)
    {
        using var http = new HttpClient { BaseAddress = region.Alertmanager };
        using var answer = JsonDocument.Parse(await http.GetStringAsync("api/v2/alerts", Token));
        foreach (var each in answer.RootElement.EnumerateArray())
        {
            var labels = each.GetProperty("labels");
            if (labels.GetProperty("alertname").GetString() != alert)
                continue;
            if (operation is not null && labels.GetProperty("operation").GetString() != operation)
                continue;
            return (each.GetProperty("status").GetProperty("state").GetString()!, each.GetProperty("fingerprint").GetString()!);
        }

        return null;
    }

    private async Task<string> SilenceAsync(string alert)
    {
        using var http = new HttpClient { BaseAddress = region.Alertmanager };
        using var answer = await http.PostAsJsonAsync(
            "api/v2/silences",
            new
            {
                matchers = new[]
                {
                    new
                    {
                        name = "alertname",
                        value = alert,
                        isRegex = false,
                        isEqual = true,
                    },
                },
                startsAt = TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture),
                endsAt = TimeProvider.System.GetUtcNow().AddHours(1).ToString("O", CultureInfo.InvariantCulture),
                createdBy = "test",
                comment = "planned work",
            },
            Token
        );
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("silenceID").GetString()!;
    }

    private async Task EndSilenceAsync(string id)
    {
        using var http = new HttpClient { BaseAddress = region.Alertmanager };
        using var answer = await http.DeleteAsync($"api/v2/silence/{id}", Token);
        answer.EnsureSuccessStatusCode();
    }
}
