using System.Globalization;
using System.Text.Json;
using Confluent.Kafka;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.TestServers;
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
    private const string Flooded = "flood";
    private static readonly string[] Codes = ["code-a", "code-b", "code-c", "code-d", "code-e"];
    private static readonly string Flooder = new('a', 64);

    [Fact]
    public async Task JobKilledAgainAndAgain_SumsAreThoseOfTheEvents()
    {
        // Both at once: each of them waits for much of its start.
        var starting = OrSkipAsync(() => KafkaCluster.StartAsync(new KafkaClusterOptions(), Token));
        await using var flink = await OrSkipAsync(() => FlinkCluster.StartAsync(Token));
        await using var kafka = await starting;
        foreach (var topic in (string[])[Topic, Minutes, Trends, Floods])
            await kafka.CreateTopicAsync(topic, Partitions, Token);
        using var folder = new TestFolder();
        var job = await flink.SubmitAsync(await WriteScriptAsync(folder, kafka), Token);
        using var events = new EventWriter(kafka.BootstrapServers);

        try
        {
            // The task manager is killed in the middle of a minute, with events before and after.
            await events.WriteAsync(Codes, 1_000, minutesAgo: 12);
            await UntilResultsAsync(kafka, job, flink);
            await events.WriteAsync(Codes, 1_000, minutesAgo: 11.5);
            await flink.KillTaskManagerAsync(Token);
            await events.WriteAsync(Codes, 500, minutesAgo: 11);
            await flink.StartTaskManagerAsync(Token);

            // So is the job manager; the next one finds the job and its last checkpoint.
            await UntilSumsAsync(kafka, events);
            await events.WriteAsync(Codes, 1_000, minutesAgo: 10.5);
            await flink.KillJobManagerAsync(Token);
            await events.WriteAsync(Codes, 500, minutesAgo: 10);
            await flink.StartJobManagerAsync(Token);
            await UntilSumsAsync(kafka, events);

            // One partition has events and the others have none; then a spool is sent that waited for longer than any window.
            await events.WriteAsync([Codes[0]], 500, minutesAgo: 3);
            await UntilSumsAsync(kafka, events);
            await events.WriteAsync(Codes, 1_000, minutesAgo: 60);
            await events.WriteInvalidAsync(Codes[1]);
            await UntilSumsAsync(kafka, events);

            // Links that many follow, and one visitor who does so too often. Later events of every partition end the minute.
            // None counts as idle here: what a window gives away in the moment in which a partition comes back may be late for the next step.
            await events.WriteAsync([Trending], 100, minutesAgo: 2);
            await events.WriteAsync([Flooded], 1_400, minutesAgo: 2, isBot: true, visitor: Flooder);
            await UntilSumsAsync(kafka, events);
            await events.WriteAsync(Codes, 100, minutesAgo: 0.5, toEveryPartition: true);
            await UntilSumsAsync(kafka, events);
            await UntilAsync(() => Read(kafka, Trends).Any(trend => Text(trend, "short_code") == Trending), "the link that many follow trends");
            await UntilAsync(() => Read(kafka, Floods).Count >= 2, "the floods are seen");
            Assert.DoesNotContain(Read(kafka, Trends), trend => Text(trend, "short_code") == Flooded);
            Assert.Equal(
                [("code", Flooded), ("visitor", Flooder)],
                Read(kafka, Floods).Select(flood => (Text(flood, "kind"), Text(flood, "name"))).Distinct().Order()
            );

            await AssertReadersWaitAsync(kafka, flink, events);
            // The same job, from its checkpoint: one that began anew would have other sums of what is no longer in the topic.
            Assert.Equal("RUNNING", await flink.ReadStateAsync(job, Token));
            var checkpoints = await flink.ReadCheckpointsAsync(job, Token);
            Assert.NotEqual(0, checkpoints!.Value.GetProperty("counts").GetProperty("restored").GetInt64());
            await AssertRepairAsync(kafka);
        }
        catch
        {
            Write(flink.ReadLogs());
            throw;
        }
    }

    // A job that is killed as a whole leaves a transaction open. Readers wait at it, until the job goes on.
    private static async Task AssertReadersWaitAsync(KafkaCluster kafka, FlinkCluster flink, EventWriter events)
    {
        while (true)
        {
            // Each time anew: a transaction is open for a second, which a look may miss.
            await Eventually.HoldsAsync(
                async () =>
                {
                    await events.WriteAsync(Codes, 100, minutesAgo: 1);
                    return kafka.CountHeldBack(Minutes) > 0;
                },
                "a transaction is open"
            );
            await Task.WhenAll(flink.KillJobManagerAsync(Token), flink.KillTaskManagerAsync(Token));
            // It may have been committed before the kill.
            if (kafka.CountHeldBack(Minutes) > 0)
                break;
            await flink.StartJobManagerAsync(Token);
            await flink.StartTaskManagerAsync(Token);
            await UntilSumsAsync(kafka, events);
        }

        Assert.NotEqual(events.Sums, ReadSums(kafka));
        await flink.StartJobManagerAsync(Token);
        await flink.StartTaskManagerAsync(Token);
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
    private static async Task<string> WriteScriptAsync(TestFolder folder, KafkaCluster kafka)
    {
        var script = await File.ReadAllTextAsync(Checkout.PathOf("config/analytics/flink/clicks.sql"), Token);
        foreach (
            var (from, to) in (ReadOnlySpan<(string, string)>)
                [("'kafka:9092'", $"'{kafka.BootstrapServers}'"), ("= '10 s'", "= '1 s'"), ("= '30 s'", "= '1 h'"), ("= '5 s'", "= '200 ms'")]
        )
        {
            Assert.Contains(from, script, StringComparison.Ordinal);
            script = script.Replace(from, to, StringComparison.Ordinal);
        }

        var path = folder.PathOf("clicks.sql");
        await File.WriteAllTextAsync(path, script, Token);
        return path;
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

    private static List<JsonElement> Read(KafkaCluster kafka, string topic) =>
        [.. kafka.ReadAll(topic).Select(record => JsonElement.Parse(record.Message.Value))];

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString()!;

    private static long Number(JsonElement row, string name) => row.GetProperty(name).GetInt64();

    private sealed record Sum(long People, long Bots);

    /// <summary>Writes click events as apps do, and sums them up. Every tenth comes twice.</summary>
    private sealed class EventWriter(string servers) : IDisposable
    {
        private readonly IProducer<string, string> _producer = new ProducerBuilder<string, string>(
            new ProducerConfig
            {
                BootstrapServers = servers,
                EnableIdempotence = true,
                Partitioner = Partitioner.Murmur2Random,
            }
        ).Build();

        // A whole minute, so that half a minute of events is in one.
        private readonly DateTimeOffset _start = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / 60 * 60);

        private int _made;

        /// <summary>The sums, by code and minute.</summary>
        public SortedDictionary<string, Sum> Sums { get; } = new(StringComparer.Ordinal);

        /// <summary>Writes events of half a minute, which began so long before the minute in which the test did.</summary>
        public async Task WriteAsync(string[] codes, int count, double minutesAgo, bool isBot = false, string? visitor = null, bool toEveryPartition = false)
        {
            var from = _start.AddMinutes(-minutesAgo);
            var sent = new List<Task>();
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
                for (var times = _made++ % 10 == 0 ? 2 : 1; times > 0; times--)
                    sent.Add(SendAsync(code, json, toEveryPartition ? i % Partitions : Partition.Any));
                var key = string.Create(CultureInfo.InvariantCulture, $"{code} {at:yyyy-MM-dd'T'HH:mm':00Z'}");
                var before = Sums.GetValueOrDefault(key) ?? new Sum(0, 0);
                Sums[key] = byBot ? before with { Bots = before.Bots + 1 } : before with { People = before.People + 1 };
            }

            await Task.WhenAll(sent);
        }

        /// <summary>Writes what is no event, and an event that is a year ahead.</summary>
        public async Task WriteInvalidAsync(string code)
        {
            var ahead = TimeProvider.System.GetUtcNow().AddDays(365);
            var json = string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"schema_version":1,"id":"{{Guid.CreateVersion7()}}","short_code":"{{code}}","clicked_at":"{{ahead:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}}","device":"mobile","is_bot":false}"""
            );
            foreach (var value in (string[])["no json", "", "[]", "{}", json, json.Replace("mobile", "abacus", StringComparison.Ordinal)])
                await SendAsync(code, value, Partition.Any);
        }

        public void Dispose() => _producer.Dispose();

        private Task<DeliveryResult<string, string>> SendAsync(string code, string json, Partition partition) =>
            _producer.ProduceAsync(new TopicPartition(Topic, partition), new Message<string, string> { Key = code, Value = json }, Token);
    }
}
