using System.Globalization;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.TestServers;
using UrlShortener.TestServers.ClickHouse;
using UrlShortener.TestServers.Flink;
using UrlShortener.TestServers.Kafka;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

/// <summary>The sums per code and minute that Flink makes of click events are right, whatever is killed, late or sent twice.</summary>
public sealed class FlinkTests : ChaosTest
{
    private const string Topic = "clicks";
    private const string Minutes = Topic + ".minutes";
    private const string Trends = Topic + ".trends";
    private const string Floods = Topic + ".floods";
    private const int Partitions = 2;
    private const string Trending = "trend";
    private const string TrendingSinceChange = "trend-2";
    private const string Flooded = "flood";
    private static readonly string[] Codes = ["code-a", "code-b", "code-c", "code-d", "code-e"];
    private static readonly string Flooder = new('a', 64);

    [Fact]
    public async Task JobKilledAndChanged_SumsAreThoseOfTheEvents()
    {
        // All at once: a start takes one processor, or waits. The script waits for the job manager.
        await using var flink = await OrSkipAsync(() => FlinkCluster.CreateAsync(Token));
        var startingFlink = flink.StartAsync(Token);
        await using var kafka = await OrSkipAsync(() => KafkaCluster.StartAsync(new KafkaClusterOptions(), Token));
        await Task.WhenAll(new[] { Topic, Minutes, Trends, Floods }.Select(topic => kafka.CreateTopicAsync(topic, Partitions, Token)));
        using var folder = new TestFolder();
        var script = await WriteScriptAsync(folder, kafka);
        var submitting = flink.SubmitAsync(script, Token);
        await Task.WhenAll(startingFlink, submitting);
        var job = await submitting;
        var events = new EventWriter(kafka.BootstrapServers);

        try
        {
            // The task manager is killed in the middle of a minute, with events before and after.
            await events.WriteAsync(Codes, 1_000, minutesAgo: 12);
            await UntilResultsAsync(kafka, job, flink);
            await events.WriteAsync(Codes, 1_000, minutesAgo: 11.5);
            await flink.KillTaskManagerAsync(Token);
            await events.WriteAsync(Codes, 500, minutesAgo: 11);
            await flink.StartTaskManagerAsync(Token);
            await UntilSumsAsync(kafka, events);

            // So is the job manager; the next one finds the job and its last checkpoint.
            await events.WriteAsync(Codes, 1_000, minutesAgo: 10.5);
            await flink.KillJobManagerAsync(Token);
            await events.WriteAsync(Codes, 500, minutesAgo: 10);
            // Nothing else happens while the session of the killed one runs out.
            await Task.WhenAll(flink.StartJobManagerAsync(Token), AssertRepairAsync(kafka));
            await UntilSumsAsync(kafka, events);

            // One partition has events and the others have none; then a spool is sent that waited for longer than any window.
            await events.WriteAsync([Codes[0]], 500, minutesAgo: 8);
            await UntilSumsAsync(kafka, events);
            await events.WriteAsync(Codes, 1_000, minutesAgo: 60);
            await events.WriteInvalidAsync(Codes[1]);
            // Events go to a partition that did not exist when the job began, some of them of codes that other partitions had so far.
            await kafka.AddPartitionsAsync(Topic, events.Partitions = Partitions + 1, Token);
            await events.WriteAsync(Codes, 500, minutesAgo: 9.5, toEveryPartition: true);
            await UntilSumsAsync(kafka, events);

            await AssertReadersWaitAsync(kafka, flink, events);
            // The same job, from its checkpoint: one that began anew would have other sums of what is no longer in the topic.
            Assert.Equal("RUNNING", await flink.ReadStateAsync(job, Token));
            Assert.NotEqual(0, await CountRestoredAsync(flink, job));

            await AssertChangeAsync(kafka, flink, events, job, script);

            // Links that many follow, and one visitor who does so too often. Later events of every partition end the minute.
            // None counts as idle here: what a window gives away in the moment in which a partition comes back may be late for the next step.
            await events.WriteAsync([Trending], 100, minutesAgo: 2);
            await events.WriteAsync([TrendingSinceChange], 25, minutesAgo: 2);
            await events.WriteAsync([Flooded], 1_400, minutesAgo: 2, isBot: true, visitor: Flooder);
            await UntilSumsAsync(kafka, events);
            await events.WriteAsync(Codes, 100, minutesAgo: 0.5, toEveryPartition: true);
            await UntilAsync(() => CodesOf(kafka, Trends).IsSupersetOf([Trending, TrendingSinceChange]), "the links that many follow trend");
            await UntilAsync(() => Read(kafka, Floods).Count >= 2, "the floods are seen");
            Assert.DoesNotContain(Flooded, CodesOf(kafka, Trends));
            Assert.Equal(
                [("code", Flooded), ("visitor", Flooder)],
                Read(kafka, Floods).Select(flood => (Text(flood, "kind"), Text(flood, "name"))).Distinct().Order()
            );
            await UntilSumsAsync(kafka, events);
        }
        catch
        {
            Write(flink.ReadLogs());
            throw;
        }
    }

    // What the page of Flink says of a change of the job. Another SQL engine has the same sums then.
    private static async Task AssertChangeAsync(KafkaCluster kafka, FlinkCluster flink, EventWriter events, string job, string script)
    {
        await events.WriteAsync(Codes, 1_000, minutesAgo: 4);
        var savepoint = await flink.StopWithSavepointAsync(job, Token);
        Assert.Equal(0, kafka.CountHeldBack(Minutes));
        await events.WriteAsync(Codes, 500, minutesAgo: 3.5);
        await events.RepeatAsync();

        var changed = await ChangeAsync(script, script, ("last_hour >= 30", "last_hour >= 20"));
        var starting = flink.SubmitAsync(changed, Token, savepoint);
        var summing = SumInClickHouseAsync(kafka);
        await Task.WhenAll(starting, summing);
        await UntilSumsAsync(kafka, events);
        Assert.Equal(await summing, ReadSums(kafka));
        Assert.Equal(1, await CountRestoredAsync(flink, await starting));
    }

    // The sums by another SQL engine, over all records of the topic.
    private static async Task<SortedDictionary<string, Sum>> SumInClickHouseAsync(KafkaCluster kafka)
    {
        await using var clickHouse = await OrSkipAsync(() => ClickHouseServer.StartAsync(Token));
        await using var database = await clickHouse.CreateDatabaseAsync("flink", Token);
        await database.ExecuteAsync("CREATE TABLE records (value String) ENGINE = Memory", Token);
        var records = kafka.ReadAll(Topic).Select(record => JsonSerializer.Serialize(new { value = Encoding.UTF8.GetString(record.Message.Value) }));
        await database.ExecuteAsync($"INSERT INTO records FORMAT JSONEachRow\n{string.Join('\n', records)}", Token);
        var rows = await database.ReadAsync(
            """
            SELECT short_code, formatDateTime(clicked, '%Y-%m-%dT%H:%i:00Z', 'UTC') AS minute, countIf(NOT is_bot), countIf(is_bot)
            FROM (
                SELECT JSONExtractString(value, 'id') AS id, any(JSONExtractString(value, 'short_code')) AS short_code,
                    any(parseDateTime64BestEffortOrNull(JSONExtractString(value, 'clicked_at'), 3, 'UTC')) AS clicked,
                    any(JSONExtractBool(value, 'is_bot')) AS is_bot
                FROM records
                WHERE JSONExtractString(value, 'device') IN ('other', 'desktop', 'mobile', 'tablet')
                GROUP BY id
            )
            WHERE clicked BETWEEN now64() - INTERVAL 29 DAY AND now64() + INTERVAL 1 HOUR
            GROUP BY short_code, minute
            """,
            Token
        );
        return new SortedDictionary<string, Sum>(
            rows.ToDictionary(
                row => $"{row[0]} {row[1]}",
                row => new Sum(long.Parse(row[2], CultureInfo.InvariantCulture), long.Parse(row[3], CultureInfo.InvariantCulture))
            ),
            StringComparer.Ordinal
        );
    }

    // A job that is killed as a whole leaves a transaction open. Readers wait at it, until the job goes on.
    private static async Task AssertReadersWaitAsync(KafkaCluster kafka, FlinkCluster flink, EventWriter events)
    {
        // Each time anew: a transaction is open for a second, which a look may miss. Only the task manager commits.
        await Eventually.HoldsAsync(
            async () =>
            {
                await events.WriteAsync(Codes, 100, minutesAgo: 9);
                if (kafka.CountHeldBack(Minutes) == 0)
                    return false;
                await flink.FreezeTaskManagerAsync(Token);
                if (kafka.CountHeldBack(Minutes) > 0)
                    return true;
                flink.ResumeTaskManager();
                return false;
            },
            "a transaction is open"
        );
        await Task.WhenAll(flink.KillJobManagerAsync(Token), flink.KillTaskManagerAsync(Token));
        Assert.NotEqual(events.Sums, ReadSums(kafka));
        await Task.WhenAll(flink.StartJobManagerAsync(Token), flink.StartTaskManagerAsync(Token));
        await UntilSumsAsync(kafka, events);
        await UntilAsync(() => kafka.CountHeldBack(Minutes) == 0, "no transaction is open");
    }

    // What the runbook says of a transaction whose job does not come back.
    private static async Task AssertRepairAsync(KafkaCluster kafka)
    {
        const string left = "clicks-trends-of-a-former-job";
        using var former = new ProducerBuilder<string, string>(
            new ProducerConfig
            {
                BootstrapServers = kafka.BootstrapServers,
                TransactionalId = left,
                TransactionTimeoutMs = 900_000,
            }
        ).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        former.InitTransactions(TimeSpan.FromMinutes(2));
        former.BeginTransaction();
        await former.ProduceAsync(Trends, new Message<string, string> { Key = "left", Value = "{}" }, Token);
        await UntilAsync(() => kafka.CountHeldBack(Trends) > 0, "readers wait");

        const string command = "org.apache.kafka.tools.TransactionsCommand";
        Assert.Contains(left, await kafka.RunToolAsync(command, ["list"], Token), StringComparison.Ordinal);
        await kafka.RunToolAsync(command, ["forceTerminateTransaction", "--transactionalId", left], Token);

        await UntilAsync(() => kafka.CountHeldBack(Trends) == 0, "readers go on");
        Assert.DoesNotContain(kafka.ReadAll(Trends), record => record.Message.Key == "left");
    }

    // Results sooner than in earnest, and no partition that is idle.
    private static Task<string> WriteScriptAsync(TestFolder folder, KafkaCluster kafka) =>
        ChangeAsync(
            Checkout.PathOf("config/analytics/flink/clicks.sql"),
            folder.PathOf("clicks.sql"),
            ("'kafka:9092'", $"'{kafka.BootstrapServers}'"),
            ("= '10 s'", "= '1 s'"),
            ("= '1 min'", "= '1 s'"),
            ("= '30 s'", "= '1 h'"),
            ("= '5 s'", "= '200 ms'")
        );

    private static async Task<string> ChangeAsync(string from, string to, params (string Before, string After)[] changes)
    {
        var script = await File.ReadAllTextAsync(from, Token);
        foreach (var (before, after) in changes)
        {
            Assert.Contains(before, script, StringComparison.Ordinal);
            script = script.Replace(before, after, StringComparison.Ordinal);
        }

        await File.WriteAllTextAsync(to, script, Token);
        return to;
    }

    private static Task UntilResultsAsync(KafkaCluster kafka, string job, FlinkCluster flink) =>
        Eventually.HoldsAsync(
            async () =>
                await flink.ReadStateAsync(job, Token) is "FAILED" or "FINISHED"
                    ? throw new InvalidOperationException("The job has ended.")
                    : ReadSums(kafka).Count > 0,
            "there are results"
        );

    private static Task UntilSumsAsync(KafkaCluster kafka, EventWriter events) =>
        Eventually.HoldsAsync(
            () => Task.FromResult(Matches(events.Sums, ReadSums(kafka))),
            () => $"the sums are those of the events; {Difference(events.Sums, ReadSums(kafka))}"
        );

    private static bool Matches(SortedDictionary<string, Sum> wanted, SortedDictionary<string, Sum> found) => wanted.SequenceEqual(found);

    private static string Difference(SortedDictionary<string, Sum> wanted, SortedDictionary<string, Sum> found) =>
        string.Join(
            ", ",
            wanted
                .Keys.Union(found.Keys)
                .Where(key => wanted.GetValueOrDefault(key) != found.GetValueOrDefault(key))
                .Take(5)
                .Select(key => $"{key}: {wanted.GetValueOrDefault(key)} events, {found.GetValueOrDefault(key)} in the results")
        );

    // Each row replaces the one before. None is smaller than that: whoever keeps the largest has the sums in whatever order rows come.
    private static SortedDictionary<string, Sum> ReadSums(KafkaCluster kafka)
    {
        var sums = new SortedDictionary<string, Sum>(StringComparer.Ordinal);
        foreach (var row in Read(kafka, Minutes))
        {
            var key = $"{Text(row, "short_code")} {Text(row, "minute")}";
            var sum = new Sum(Number(row, "people"), Number(row, "bots"));
            Assert.Equal(sum.People + sum.Bots, Number(row, "clicks"));
            var before = sums.GetValueOrDefault(key) ?? new Sum(0, 0);
            Assert.True(sum.People >= before.People && sum.Bots >= before.Bots, $"{key} falls from {before} to {sum}");
            sums[key] = sum;
        }

        return sums;
    }

    private static async Task<long> CountRestoredAsync(FlinkCluster flink, string job) =>
        (await flink.ReadCheckpointsAsync(job, Token))!.Value.GetProperty("counts").GetProperty("restored").GetInt64();

    private static HashSet<string> CodesOf(KafkaCluster kafka, string topic) => [.. Read(kafka, topic).Select(row => Text(row, "short_code"))];

    private static List<JsonElement> Read(KafkaCluster kafka, string topic) =>
        [.. kafka.ReadAll(topic).Select(record => JsonElement.Parse(record.Message.Value))];

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString()!;

    private static long Number(JsonElement row, string name) => row.GetProperty(name).GetInt64();

    private sealed record Sum(long People, long Bots);

    /// <summary>Writes click events as apps do, and sums them up. Every tenth comes twice, and once more when it is told so.</summary>
    private sealed class EventWriter(string servers)
    {
        // A whole minute, so that half a minute of events is in one.
        private readonly DateTimeOffset _start = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / 60 * 60);

        private readonly List<(string Code, string Json)> _repeated = [];
        private int _made;

        /// <summary>How many partitions the topic has.</summary>
        public int Partitions { get; set; } = FlinkTests.Partitions;

        /// <summary>The sums, by code and minute.</summary>
        public SortedDictionary<string, Sum> Sums { get; } = new(StringComparer.Ordinal);

        /// <summary>Writes events of half a minute, which began so long before the minute in which the test did.</summary>
        public async Task WriteAsync(string[] codes, int count, double minutesAgo, bool isBot = false, string? visitor = null, bool toEveryPartition = false)
        {
            var from = _start.AddMinutes(-minutesAgo);
            var records = new List<(string Code, string Json, Partition Partition)>();
            for (var i = 0; i < count; i++)
            {
                var (code, at, byBot) = (
                    codes[i % codes.Length],
                    from.AddSeconds(30.0 * i / count),
                    isBot || i % 7 == 0 && visitor is null && codes.Length > 1
                );
                var json = string.Create(
                    CultureInfo.InvariantCulture,
                    $$"""{"schema_version":1,"id":"{{Guid.CreateVersion7(at)}}","short_code":"{{code}}","clicked_at":"{{at:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}}","device":"mobile","is_bot":{{(byBot ? "true" : "false")}}{{(visitor is null ? "" : $",\"ip_hash\":\"{visitor}\"")}}}"""
                );
                var partition = toEveryPartition ? i % Partitions : Partition.Any.Value;
                records.Add((code, json, partition));
                if (_made++ % 10 == 0)
                {
                    _repeated.Add((code, json));
                    records.Add((code, json, partition));
                }

                var key = string.Create(CultureInfo.InvariantCulture, $"{code} {at:yyyy-MM-dd'T'HH:mm':00Z'}");
                var before = Sums.GetValueOrDefault(key) ?? new Sum(0, 0);
                Sums[key] = byBot ? before with { Bots = before.Bots + 1 } : before with { People = before.People + 1 };
            }

            await SendAsync(records);
        }

        /// <summary>Writes all those again that came twice.</summary>
        public Task RepeatAsync() => SendAsync(_repeated.Select(again => (again.Code, again.Json, Partition.Any)));

        /// <summary>Writes what is no event, and an event that is a year ahead.</summary>
        public async Task WriteInvalidAsync(string code)
        {
            var ahead = TimeProvider.System.GetUtcNow().AddDays(365);
            var json = string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"schema_version":1,"id":"{{Guid.CreateVersion7()}}","short_code":"{{code}}","clicked_at":"{{ahead:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}}","device":"mobile","is_bot":false}"""
            );
            string[] values = ["no json", "", "[]", "{}", json, json.Replace("mobile", "abacus", StringComparison.Ordinal)];
            await SendAsync(values.Select(value => (code, value, Partition.Any)));
        }

        // Each time by a new client, which knows of all partitions.
        private async Task SendAsync(IEnumerable<(string Code, string Json, Partition Partition)> records)
        {
            using var producer = new ProducerBuilder<string, string>(
                new ProducerConfig
                {
                    BootstrapServers = servers,
                    EnableIdempotence = true,
                    Partitioner = Partitioner.Murmur2Random,
                }
            ).Build();
            await Task.WhenAll(
                records.Select(record =>
                    producer.ProduceAsync(
                        new TopicPartition(Topic, record.Partition),
                        new Message<string, string> { Key = record.Code, Value = record.Json },
                        Token
                    )
                )
            );
        }
    }
}
