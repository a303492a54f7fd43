using System.Diagnostics;
using System.Globalization;
using Confluent.Kafka;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.TestServers.ClickHouse;
using UrlShortener.TestServers.Kafka;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

/// <summary>
/// How many click events a process loads per second, and how many rows the same ClickHouse takes at once from a client that does nothing else. `make
/// click-load-series` measures it, on a machine that does nothing else; the suite does not.
/// </summary>
public sealed class ClickLoadSeriesTests : ChaosTest
{
    private const string Topic = "visits";
    private const int Partitions = 12;
    private const int Links = 1_000;
    private const int RowsPerInsert = 50_000;

    private static readonly int? Events = int.TryParse(
        Environment.GetEnvironmentVariable("CLICK_LOAD_EVENTS"),
        NumberStyles.None,
        CultureInfo.InvariantCulture,
        out var wanted
    )
        ? wanted
        : null;

    // Further settings of the processes, such as --Clicks:LoadBytes=268435456.
    private static readonly string[] Settings =
        Environment.GetEnvironmentVariable("CLICK_LOAD_SETTINGS")?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];

    [Fact]
    public async Task Load_OfABacklog_PerSecond()
    {
        Assert.SkipUnless(Events is not null, "make click-load-series measures it.");
        await using var kafka = await OrSkipAsync(() => KafkaCluster.StartAsync(new KafkaClusterOptions(), Token));
        await using var clickHouse = await OrSkipAsync(() => ClickHouseServer.StartAsync(Token));
        var analytics = await clickHouse.CreateDatabaseAsync("series", Token);
        var installation = await InstallAsync(
            new PostgresClusterOptions(),
            redis: null,
            [
                $"--ConnectionStrings:Kafka={kafka.BootstrapServers}",
                $"--ConnectionStrings:ClickHouse={analytics.ConnectionString}",
                $"--Clicks:Topic={Topic}",
                .. Settings,
            ]
        );
        await kafka.CreateTopicAsync(Topic, Partitions, Token);
        var app = await installation.StartPodAsync("app", "--Role=app");
        var codes = new List<string>();
        for (var i = 0; i < Links; i++)
            codes.Add((await installation.ClientOf(app).CreateAsync("https://example.com/", Token)).Code);
        await app.StopAsync();
        var produced = Stopwatch.GetTimestamp();
        Produce(kafka.BootstrapServers, codes, Events!.Value);
        Write($"{Events} events in Kafka after {Stopwatch.GetElapsedTime(produced).TotalSeconds:0.0} s");

        var loader = await installation.StartPodAsync("loader", "--Role=clicks");
        // The brokers wait for further members of the group first; this is not the load.
        var joined = Stopwatch.GetTimestamp();
        await Eventually.ReadAsync(() => loader.ReadMetricAsync("shortener_click_load_partitions"), count => count == Partitions, "it has all partitions");
        var joining = Stopwatch.GetElapsedTime(joined);
        var before = await ReadUsageAsync();
        var began = Stopwatch.GetTimestamp();
        // The server is asked: to ask the process costs it some of its time.
        await Eventually.HoldsAsync(async () => (await analytics.ReadAsync("SELECT count() FROM clicks", Token))[0][0] == Text(Events.Value), "all are loaded");
        var took = Stopwatch.GetElapsedTime(began);
        var usage = (await ReadUsageAsync()).Zip(before, (now, then) => (now.Name, Micros: (now.Time - then.Time).TotalMicroseconds / Events.Value)).ToList();
        var used = usage[0].Micros * Events.Value / 1_000_000;
        var memory = await loader.ReadMetricAsync("process_working_set_bytes");
        Assert.Equal(Text(Events.Value), (await analytics.ReadAsync("SELECT count() FROM clicks", Token))[0][0]);
        Assert.Equal(Text(Events.Value), (await analytics.ReadAsync("SELECT uniqExact(id) FROM clicks", Token))[0][0]);
        var floor = await InsertAsync(clickHouse, analytics, Events.Value);
        await ReportAsync(
            "click-load",
            $"{Events} events of {Links} links (Zipf), {Partitions} partitions, one process of the role clicks with its defaults",
            $"in the group after {joining.TotalSeconds:0.0} s",
            $"loaded in {took.TotalSeconds:0.0} s: {Events / took.TotalSeconds:0} per second; {Events / used:0} per second of the process's processor time",
            $"processor time per event, µs: {string.Join(", ", usage.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Name} {one.Micros:0.0}")))}",
            $"ClickHouse takes the same rows into a table like clicks, {RowsPerInsert} at once, in {floor.TotalSeconds:0.0} s: {Events / floor.TotalSeconds:0} per second",
            $"ratio {floor / took:0.00}, of the processor time {floor.TotalSeconds / used:0.00}; memory of the process {memory / 1_048_576:0} MiB"
        );
        await loader.StopAsync();

        async Task<IReadOnlyList<(string Name, TimeSpan Time)>> ReadUsageAsync()
        {
            var events = (await clickHouse.ReadAsync("SELECT event, value FROM system.events", Token)).ToDictionary(row => row[0], row => row[1]);
            return
            [
                ("loader", loader.ProcessorTime),
                ("ClickHouse", ProcFiles.ReadCpuTime(clickHouse.ProcessId!.Value)),
                // By the clock, in threads of the background: not more than the processor time by much on a machine with nothing else to do.
                ("of it merges (by the clock)", TimeSpan.FromMilliseconds(ValueOf(events, "MergeTotalMilliseconds"))),
                ("of it queries (by the clock)", TimeSpan.FromMicroseconds(ValueOf(events, "SelectQueryTimeMicroseconds"))),
                ("of it inserts (by the clock)", TimeSpan.FromMicroseconds(ValueOf(events, "InsertQueryTimeMicroseconds"))),
                ("Kafka", ProcFiles.ReadCpuTime(kafka.Nodes[0].ProcessId!.Value)),
                ("PostgreSQL", ReadTreeTime(installation.Postgres.Nodes[0].ProcessId)),
                ("idle", ReadIdleTime()),
            ];
        }
    }

    private static double ValueOf(Dictionary<string, string> events, string name) =>
        double.Parse(events.GetValueOrDefault(name, "0"), CultureInfo.InvariantCulture);

    // A server of PostgreSQL in a container tells nothing.
    private static TimeSpan ReadTreeTime(int? process) =>
        process is { } id ? ProcFiles.ReadChildren(id).Aggregate(ProcFiles.ReadCpuTime(id), (sum, child) => sum + ProcFiles.ReadCpuTime(child)) : TimeSpan.Zero;

    // Of all cores together, since the machine started: the fourth and fifth of the first line's numbers, in hundredths of a second.
    private static TimeSpan ReadIdleTime()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return TimeSpan.FromSeconds((long.Parse(fields[4], CultureInfo.InvariantCulture) + long.Parse(fields[5], CultureInfo.InvariantCulture)) / 100.0);
    }

    // The floor: one client, one table, rows that are ready to be sent.
    private static async Task<TimeSpan> InsertAsync(ClickHouseServer server, ClickHouseDatabase database, int count)
    {
        await database.ExecuteAsync("CREATE TABLE floor AS clicks", Token);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Add("X-ClickHouse-User", ClickHouseServer.User);
        http.DefaultRequestHeaders.Add("X-ClickHouse-Key", server.Password);
        var took = TimeSpan.Zero;
        for (var first = 0; first < count; first += RowsPerInsert)
        {
            var rows = await PostAsync(
                $"SELECT * FROM clicks ORDER BY cityHash64(id) LIMIT {first}, {RowsPerInsert} FORMAT RowBinary",
                new ByteArrayContent([])
            );
            var began = Stopwatch.GetTimestamp();
            await PostAsync("INSERT INTO floor FORMAT RowBinary", new ByteArrayContent(rows));
            took += Stopwatch.GetElapsedTime(began);
        }

        Assert.Equal(Text(count), (await database.ReadAsync("SELECT count() FROM floor", Token))[0][0]);
        return took;

        async Task<byte[]> PostAsync(string sql, HttpContent content)
        {
            var address = $"http://127.0.0.1:{Text(server.Port)}/?database={database.Name}&async_insert=0&query={Uri.EscapeDataString(sql)}";
            using var answer = await http.PostAsync(new Uri(address), content, Token);
            answer.EnsureSuccessStatusCode();
            return await answer.Content.ReadAsByteArrayAsync(Token);
        }
    }

    private static void Produce(string servers, List<string> codes, int count)
    {
        using var producer = new ProducerBuilder<string, string>(
            new ProducerConfig
            {
                BootstrapServers = servers,
                Partitioner = Partitioner.Murmur2Random,
                LingerMs = 50,
                CompressionType = CompressionType.Lz4,
                QueueBufferingMaxMessages = 200_000,
            }
        ).Build();
        var now = TimeProvider.System.GetUtcNow();
        for (var i = 0; i < count; i++)
        {
            // Zipf's order: the k-th code comes as often as 1/k of the first.
            var code = codes[(int)Math.Min(codes.Count - 1, Math.Exp(Fraction(i, 1) * Math.Log(codes.Count)))];
            // Of an hour, in the order of several apps: a few seconds later or earlier than the one before.
            var at = now.AddMilliseconds(((double)i / count * 3_600_000) - 3_600_000 - (Fraction(i, 2) * 3_000));
            var json = string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"schema_version":1,"id":"{{Guid.CreateVersion7(at)}}","short_code":"{{code}}","clicked_at":"{{at:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}}","referrer":"https://site{{i % 300}}.example/some/page/{{i % 5_000}}","source":"site{{i % 300}}.example","user_agent":"Mozilla/5.0 (Linux; Android 15; Pixel {{i % 9}}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/14{{i % 10}}.0.0.0 Mobile Safari/537.36","ip_hash":"{{(ulong)(i % 200_000) * 0x9E3779B97F4A7C15:x16}}{{new string('0', 48)}}","country":"DE","city":"Berlin","device":"mobile","is_bot":false}"""
            );
            while (true)
            {
                try
                {
                    producer.Produce(Topic, new Message<string, string> { Key = code, Value = json });
                    break;
                }
                catch (ProduceException<string, string> error) when (error.Error.Code == ErrorCode.Local_QueueFull)
                {
                    producer.Poll(TimeSpan.FromMilliseconds(100));
                }
            }
        }

        producer.Flush(Token);
    }

    // Between 0 and 1, the same in each run.
    private static double Fraction(int i, ulong salt) => (double)(((ulong)i + salt) * 0x9E3779B97F4A7C15 >> 11) / (1UL << 53);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
