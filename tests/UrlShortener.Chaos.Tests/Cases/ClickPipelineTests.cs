using System.Globalization;
using Confluent.Kafka;
using Npgsql;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.TestServers.ClickHouse;
using UrlShortener.TestServers.Kafka;
using UrlShortener.TestServers.Network;
using UrlShortener.TestServers.Postgres;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

/// <summary>C-06 and C-08: from the visitor to the answer of the statistics, each click counts once, whatever is killed, frozen or sent twice in between.</summary>
public sealed class ClickPipelineTests : ChaosTest
{
    private const string Topic = "visits";
    private const string DeadLetters = Topic + ".dead-letters";
    private const int Partitions = 3;

    // More by hand, for more points at which it is killed: CLICK_PIPELINE_LIVES=50.
    private static readonly int Lives = int.Parse(Environment.GetEnvironmentVariable("CLICK_PIPELINE_LIVES") ?? "4", CultureInfo.InvariantCulture);

    // A dead member of the group is missed soon.
    private static readonly KafkaClusterOptions ShortSessions = new()
    {
        Settings = new Dictionary<string, string> { ["group.min.session.timeout.ms"] = "1000" },
    };

    [Fact]
    public async Task LoaderKilledAndServersFrozen_EachEventIsLoadedOnce()
    {
        await using var kafka = await OrSkipAsync(() => KafkaCluster.StartAsync(ShortSessions, Token));
        using var disk = BoundedVolume.TryMount(128);
        await using var clickHouse = await OrSkipAsync(() => ClickHouseServer.StartAsync(Token, disk?.Folder));
        await using var way = new TcpGate(clickHouse.Port);
        var analytics = await clickHouse.CreateDatabaseAsync("pipeline", Token);
        var installation = await InstallAsync(
            new PostgresClusterOptions(),
            redis: null,
            [
                $"--ConnectionStrings:Kafka={kafka.BootstrapServers}",
                $"--ConnectionStrings:ClickHouse={clickHouse.ConnectionStringOf(analytics.Name, way.Port)}",
                $"--Clicks:Topic={Topic}",
                "--Clicks:LoadInterval=00:00:00.200",
                "--Clicks:LoadBatchSize=500",
                "--Clicks:LoadSessionTimeout=00:00:02",
                "--Clicks:LoadResults=true",
                .. PatientWithDatabase,
            ]
        );
        await kafka.CreateTopicAsync(Topic, Partitions, Token);
        await kafka.CreateTopicAsync(DeadLetters, 1, Token);
        foreach (var results in (string[])[".minutes", ".trends", ".floods"])
            await kafka.CreateTopicAsync(Topic + results, 1, Token);
        var app = await installation.StartPodAsync("app", "--Role=app");
        var codes = new List<string>();
        for (var i = 0; i < 5; i++)
            codes.Add((await installation.ClientOf(app).CreateAsync("https://example.com/", Token)).Code);
        var events = new EventWriter(kafka.BootstrapServers, Topic, codes);

        // Killed again and again, at different points, while events come, some of them twice, at other offsets.
        for (var life = 0; life < Lives; life++)
        {
            var killed = await installation.StartPodAsync($"loader{life}", "--Role=clicks");
            await events.WriteAsync(2_000, Token);
            await UntilAsync(killed, "shortener_click_events_loaded_total", loaded => loaded > life % 12 * 130);
            await killed.KillAsync();
        }

        // Two share the partitions. One stands still for so long that the other takes its partitions over, and goes on with what it had begun.
        var first = await installation.StartPodAsync("first", "--Role=clicks");
        var second = await installation.StartPodAsync("second", "--Role=clicks");
        await UntilAsync([first, second], "shortener_click_load_partitions", count => count == Partitions);
        await events.WriteAsync(5_000, Token);
        first.Freeze();
        await events.WritePoisonAsync("no json", Token);
        await UntilAsync(second, "shortener_click_load_partitions", count => count == Partitions);
        await UntilAsync(second, "shortener_click_load_lag_events", lag => lag == 0);
        first.Resume();

        await clickHouse.FreezeAsync(Token);
        await events.WriteAsync(2_000, Token);
        clickHouse.Resume();
        await clickHouse.KillAsync(Token);
        await events.WriteAsync(2_000, Token);
        await UntilAsync([first, second], "shortener_click_load_failures_total", count => count > 0);
        await clickHouse.RestartAsync(Token);
        await TroubleAsync();

        await AssertResultsAsync(kafka, analytics, [first, second]);

        // Real visits take the same way.
        var before = events.Clicks;
        for (var visit = 0; visit < 50; visit++)
            Assert.True((await installation.ClientOf(app).FollowAsync(codes[0], Token)).IsRedirect);
        await UntilCountAsync(analytics, "SELECT count() FROM clicks", before + 50);

        Assert.Equal(["0"], (await ReadAsync(analytics, "SELECT count() - uniqExact(id) FROM clicks"))[0]);
        Assert.Equal(Text(before + 50), (await ReadAsync(analytics, "SELECT sum(clicks) + sum(bots) FROM clicks_by_day"))[0][0]);
        Assert.Equal(Text(before + 50), (await ReadAsync(analytics, "SELECT sum(clicks) + sum(bots) FROM clicks_by_quarter_hour"))[0][0]);
        var letter = Assert.Single(kafka.ReadAll(DeadLetters));
        Assert.Equal("no json", System.Text.Encoding.UTF8.GetString(letter.Message.Value));
        Assert.Equal("not_json", System.Text.Encoding.UTF8.GetString(letter.Message.Headers.GetLastBytes("reason")));
        await first.StopAsync();
        await second.StopAsync();
        var people = new Dictionary<string, string>();
        foreach (var code in codes)
        {
            people[code] = (await ReadAsync(analytics, $"SELECT sum(clicks) FROM clicks_by_day WHERE short_code = '{code}'"))[0][0];
            var stats = await app.As(installation.ApiKey).GetAsync($"/api/v1/urls/{code}/stats");
            Assert.Equal(people[code], Text(stats.Json.GetProperty("total_clicks").GetInt64()));
            Assert.Equal(people[code], await ReadTotalAsync(code));
        }

        // What a PostgreSQL is like that was restored to before the first batch: the events are read again, and counted only.
        await using (var connection = new NpgsqlConnection((await installation.Postgres.GetPrimaryAsync(Token)).DirectConnectionString("shortener")))
        {
            await connection.OpenAsync(Token);
            await using var restore = new NpgsqlCommand("DELETE FROM click_loads; UPDATE urls SET click_count = 0", connection);
            Assert.NotEqual(0, await restore.ExecuteNonQueryAsync(Token));
        }

        foreach (var code in codes)
            Assert.Equal("0", await ReadTotalAsync(code));
        var restored = await installation.StartPodAsync("restored", "--Role=clicks");
        foreach (var code in codes)
            await Eventually.ReadAsync(() => ReadTotalAsync(code), total => total == people[code], "the total is that of before");
        await UntilAsync(restored, "shortener_click_load_lag_events", lag => lag == 0);
        foreach (var code in codes)
            Assert.Equal(people[code], await ReadTotalAsync(code));
        Assert.Equal(Text(before + 50), (await ReadAsync(analytics, "SELECT count() FROM clicks"))[0][0]);
        Assert.Equal(Text(before + 50), (await ReadAsync(analytics, "SELECT sum(clicks) + sum(bots) FROM clicks_by_day"))[0][0]);

        // The sums of the metrics: captured = published + spooled + dropped, and each record that was published is loaded, repeated or a dead letter.
        var published = await UntilAsync(app, "shortener_click_events_published_total", count => count == 50);
        Assert.Equal(published, await app.ReadMetricAsync("shortener_click_events_captured_total"));
        Assert.Equal(0, await app.ReadMetricAsync("shortener_click_events_spooled") + await app.ReadMetricAsync("shortener_click_events_dropped_total"));
        await Eventually.ReadAsync(
            async () =>
                await restored.ReadMetricAsync("shortener_click_events_loaded_total")
                + await restored.ReadMetricAsync("shortener_click_events_duplicate_total")
                + await restored.ReadMetricAsync("shortener_click_events_rejected_total"),
            sum => sum == events.Records + published,
            $"{events.Records + published} records are loaded, repeated or rejected"
        );

        Write($"{before + 50} clicks, {events.Records} records");

        // What ClickHouse refuses, for a while, and what takes it long. Some of its tables have a batch then that others lack.
        async Task TroubleAsync()
        {
            way.Delay = TimeSpan.FromMilliseconds(30);
            await events.WriteAsync(2_000, Token);
            await UntilAsync([first, second], "shortener_click_load_lag_events", lag => lag == 0);
            way.Delay = TimeSpan.Zero;
            foreach (var refusal in Refusals(analytics, disk))
            {
                var failures = await UntilAsync([first, second], "shortener_click_load_failures_total", _ => true);
                await refusal.Begin();
                await events.WriteAsync(1_000, Token);
                await Eventually.ReadAsync(
                    async () =>
                    {
                        // What is loaded all the same is followed by more.
                        refusal.Hold();
                        if (await SumAsync([first, second], "shortener_click_load_lag_events") == 0)
                            await events.WriteAsync(100, Token);
                        return await SumAsync([first, second], "shortener_click_load_failures_total");
                    },
                    count => count > failures,
                    $"a failure by {refusal.Name}"
                );
                await refusal.End();
                await UntilAsync([first, second], "shortener_click_load_lag_events", lag => lag == 0);
            }
        }

        async Task<string> ReadTotalAsync(string code) =>
            Text((await app.As(installation.ApiKey).GetAsync($"/api/v1/urls/{code}")).Json.GetProperty("click_count").GetInt64());
    }

    private static IEnumerable<Refusal> Refusals(ClickHouseDatabase database, BoundedVolume? disk)
    {
        // The first insert into it that comes is one too many.
        yield return new Refusal(
            "too many parts",
            () => database.ExecuteAsync("SYSTEM STOP MERGES; ALTER TABLE clicks MODIFY SETTING parts_to_throw_insert = 1", Token),
            () => database.ExecuteAsync("ALTER TABLE clicks RESET SETTING parts_to_throw_insert; SYSTEM START MERGES", Token)
        );
        foreach (var table in (string[])["clicks_by_day", "loaded_events"])
        {
            yield return new Refusal(
                $"no table {table}",
                () => database.ExecuteAsync($"RENAME TABLE {table} TO elsewhere", Token),
                () => database.ExecuteAsync($"RENAME TABLE elsewhere TO {table}", Token)
            );
        }

        if (disk is null)
            yield break;
        yield return new Refusal("a full disk", () => Do(disk.Fill), () => Do(disk.Free))
        {
            // ClickHouse removes parts that were merged some minutes ago, and has room again.
            Hold = disk.Fill,
        };
    }

    private static Task Do(Action step)
    {
        step();
        return Task.CompletedTask;
    }

    // As the Flink job writes them: in transactions, of which one is given up.
    private static async Task AssertResultsAsync(KafkaCluster kafka, ClickHouseDatabase analytics, IReadOnlyList<Pod> loaders)
    {
        var minute = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm':00Z'", CultureInfo.InvariantCulture);
        var hash = new string('c', 64);
        using var job = new ProducerBuilder<Null, string>(
            new ProducerConfig
            {
                BootstrapServers = kafka.BootstrapServers,
                TransactionalId = "clicks-minutes",
                Partitioner = Partitioner.Murmur2Random,
            }
        ).Build();
        job.InitTransactions(TimeSpan.FromMinutes(2));
        job.BeginTransaction();
        await SendAsync(".minutes", SumOf(7, 3));
        await SendAsync(".minutes", SumOf(9, 4));
        await SendAsync(".minutes", "no json");
        await SendAsync(".trends", $$"""{"short_code":"summed","minute":"{{minute}}","last_hour":90,"usual_hour":2.5}""");
        await SendAsync(".floods", $$"""{"kind":"visitor","name":"{{hash}}","minute":"{{minute}}","clicks":130,"usual_minute":0.0}""");
        job.CommitTransaction(TimeSpan.FromMinutes(2));
        job.BeginTransaction();
        await SendAsync(".minutes", SumOf(1000, 1000));
        job.AbortTransaction(TimeSpan.FromMinutes(2));
        job.BeginTransaction();
        // What comes last may be smaller, as after a job that began anew.
        await SendAsync(".minutes", SumOf(8, 4));
        job.CommitTransaction(TimeSpan.FromMinutes(2));

        await UntilAsync(loaders, "shortener_click_results_stored_total", stored => stored >= 5);
        await UntilAsync(loaders, "shortener_click_results_rejected_total", rejected => rejected >= 1);
        await UntilAsync(loaders, "shortener_click_floods_total", floods => floods >= 1);
        Assert.Equal(["9", "4"], (await ReadAsync(analytics, "SELECT max(clicks), max(bots) FROM clicks_by_minute WHERE short_code = 'summed'"))[0]);
        Assert.Equal(["90"], (await ReadAsync(analytics, "SELECT last_hour FROM link_trends FINAL WHERE short_code = 'summed'"))[0]);
        Assert.Equal(["130"], (await ReadAsync(analytics, $"SELECT clicks FROM click_floods FINAL WHERE visitor = '{hash}'"))[0]);

        string SumOf(long people, long bots) =>
            $$"""{"short_code":"summed","minute":"{{minute}}","clicks":{{people + bots}},"people":{{people}},"bots":{{bots}},"last_click":"{{minute}}"}""";

        Task SendAsync(string results, string row) => job.ProduceAsync(Topic + results, new Message<Null, string> { Value = row }, Token);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static Task<IReadOnlyList<string[]>> ReadAsync(ClickHouseDatabase database, string query) => database.ReadAsync(query, Token);

    private static Task<double> UntilAsync(Pod pod, string metric, Func<double, bool> isWanted) => UntilAsync([pod], metric, isWanted);

    private static Task<double> UntilAsync(IReadOnlyList<Pod> pods, string metric, Func<double, bool> isWanted) =>
        Eventually.ReadAsync(() => SumAsync(pods, metric), isWanted, metric);

    private static async Task<double> SumAsync(IReadOnlyList<Pod> pods, string metric)
    {
        double sum = 0;
        foreach (var pod in pods)
            sum += await pod.ReadMetricAsync(metric);
        return sum;
    }

    private static Task<string> UntilCountAsync(ClickHouseDatabase database, string query, long count) =>
        Eventually.ReadAsync(async () => (await ReadAsync(database, query))[0][0], text => text == Text(count), query);

    /// <summary>What makes ClickHouse refuse inserts.</summary>
    private sealed record Refusal(string Name, Func<Task> Begin, Func<Task> End)
    {
        /// <summary>What keeps it so.</summary>
        public Action Hold { get; init; } = () => { };
    }

    /// <summary>Writes click events as an app does that was killed now and then: every tenth comes again later, at another offset.</summary>
    private sealed class EventWriter(string servers, string topic, IReadOnlyList<string> codes)
    {
        private readonly List<(string Code, string Event)> _again = [];

        /// <summary>Different events.</summary>
        public long Clicks { get; private set; }

        /// <summary>Records, repeated ones included.</summary>
        public long Records { get; private set; }

        public async Task WriteAsync(int count, CancellationToken cancellationToken)
        {
            var repeated = _again.ToList();
            _again.Clear();
            var made = Enumerable.Range(0, count).Select(_ => NewEvent()).ToList();
            _again.AddRange(made.Where((_, i) => i % 10 == 0));
            await SendAsync([.. made, .. repeated], cancellationToken);
            Clicks += count;
        }

        public Task WritePoisonAsync(string value, CancellationToken cancellationToken) => SendAsync([(codes[0], value)], cancellationToken);

        private async Task SendAsync(IReadOnlyList<(string Code, string Event)> events, CancellationToken cancellationToken)
        {
            using var producer = new ProducerBuilder<string, string>(
                new ProducerConfig
                {
                    BootstrapServers = servers,
                    EnableIdempotence = true,
                    Partitioner = Partitioner.Murmur2Random,
                    LingerMs = 20,
                }
            ).Build();
            await Task.WhenAll(
                events.Select(one => producer.ProduceAsync(topic, new Message<string, string> { Key = one.Code, Value = one.Event }, cancellationToken))
            );
            Records += events.Count;
        }

        private (string Code, string Event) NewEvent()
        {
            var (at, code) = (TimeProvider.System.GetUtcNow(), codes[(int)(Clicks % codes.Count)]);
            var json = string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"schema_version":1,"id":"{{Guid.CreateVersion7()}}","short_code":"{{code}}","clicked_at":"{{at:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}}","device":"mobile","is_bot":false}"""
            );
            return (code, json);
        }
    }
}
