using System.Globalization;
using Npgsql;
using UrlShortener.TestHarness.Monitoring;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Monitoring;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.Monitoring.Tests.Paging;

/// <summary>
/// A region with everything behind and around it: PostgreSQL with a replica, Redis, one process of the product, Prometheus with the rules, Alertmanager with
/// the routes, and a receiver. Time runs faster in rules and routes. Visitors and an API client use the region from the start.
/// </summary>
public sealed class MonitoredRegion : IAsyncLifetime
{
    /// <summary>The level that the key pool is filled to: above both thresholds of the alerts.</summary>
    public const int PoolTarget = 130_000;

    private const string Database = "shortener";
    private const string KeyPrefix = "paging";
    private const string Token = "token-of-the-key-generation-service";

    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(20);

    // Enough requests for ratios within a second of a scrape, and processor time for the rest.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(80);

    private readonly TestFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _callers = [];
    private RunningProduct? _product;
    private PrometheusServer? _prometheusServer;
    private AlertmanagerServer? _alertmanager;
    private RedisServer? _redis;
    private Receiver? _receiver;
    private PrometheusApi? _prometheus;

    /// <summary>Why there is no such region here; null: there is one.</summary>
    public string? Missing { get; private set; }

    internal PostgresCluster Postgres { get; private set; } = null!;

    internal Receiver Receiver => _receiver!;

    internal PrometheusApi Prometheus => _prometheus!;

    internal Uri Alertmanager => _alertmanager!.Address;

    internal RunningProduct Product => _product!;

    /// <summary>Whether visitors ask for codes that nobody has, each for another one.</summary>
    internal bool AreVisitorsLost { get; set; }

    /// <inheritdoc />
    public async ValueTask InitializeAsync()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        try
        {
            await MonitoringPrograms.GetAsync(cancellationToken);
            Postgres = await PostgresCluster.StartAsync(new PostgresClusterOptions { Replicas = 1 }, cancellationToken);
            _redis = await RedisServer.StartAsync(new RedisServerOptions(), cancellationToken);
        }
        catch (ServerUnavailableException e)
        {
            Missing = e.Message;
            return;
        }

        await Postgres.CreateDatabaseAsync(Database, cancellationToken);
        _product = new RunningProduct(
            "the region",
            _folder.FullName,
            [
                "--Region:Name=eu",
                $"--ConnectionStrings:Postgres={Connection()}",
                $"--ConnectionStrings:Redis={_redis.Configuration}",
                $"--Redis:KeyPrefix={KeyPrefix}",
                // Nobody answers there: click events wait in the spool.
                "--ConnectionStrings:Kafka=127.0.0.1:1",
                "--Postgres:MigrateOnStart=true",
                // On a machine that is busy with other things, servers that are well must not look ill. A killed one refuses connections at once.
                "--Postgres:ConnectTimeout=00:00:20",
                "--Postgres:ReadTimeout=00:00:20",
                "--Postgres:WriteTimeout=00:00:20",
                "--Redis:Timeout=00:00:02",
                $"--Kgs:Token={Token}",
                string.Create(CultureInfo.InvariantCulture, $"--Kgs:TargetLevel={PoolTarget}"),
                // Nothing is generated after the first filling, until the pool is empty.
                "--Kgs:LowWatermark=2",
                "--Kgs:CriticalWatermark=1",
                "--Keys:PoolSize=2000",
                "--Keys:LowWatermark=1000",
            ]
        );
        await _product.WaitUntilReadyAsync(RequestLimit);
        _receiver = await Receiver.StartAsync(cancellationToken);
        _alertmanager = await AlertmanagerServer.StartAsync(AlertmanagerConfiguration(), Secrets(), cancellationToken);
        _prometheusServer = await PrometheusServer.StartAsync(
            PrometheusConfiguration(),
            Monitoring.RuleFiles.ToDictionary(path => Path.GetFileName(path), path => Faster.Rules(File.ReadAllText(path))),
            cancellationToken
        );
        _prometheus = new PrometheusApi(_prometheusServer.Address);
        var client = new ApiClient(_product.Http, await _product.ReadFirstKeyAsync());
        var codes = new List<string>();
        for (var i = 0; i < 50; i++)
            codes.Add(await client.CreateLinkAsync());
        _callers.Add(RepeatAsync(() => client.CreateAsync(new { original_url = "https://example.com/" })));
        var turn = 0;
        for (var i = 0; i < 4; i++)
            _callers.Add(
                RepeatAsync(() => client.GetAsync(AreVisitorsLost ? $"/{Guid.NewGuid():N}"[..8] : $"/{codes[Interlocked.Increment(ref turn) % codes.Count]}"))
            );
    }

    /// <summary>Skips a test where there is no region.</summary>
    public void Require() => Assert.SkipWhen(Missing is not null, Missing ?? "");

    /// <summary>Stops the replay of a replica, or lets it go on.</summary>
    internal static async Task ReplayAsync(PostgresNode replica, bool isPaused)
    {
        await using var connection = new NpgsqlConnection(replica.DirectConnectionString(Database));
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = isPaused ? "SELECT pg_wal_replay_pause()" : "SELECT pg_wal_replay_resume()";
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Takes keys out of the region's pool until it holds fewer than a number.</summary>
    internal async Task DrainPoolAsync(int left)
    {
        await using var redis = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync(
            // In milliseconds: on a busy machine a server that is well must not look ill.
            $"{_redis!.Configuration},connectTimeout=60000,syncTimeout=60000,asyncTimeout=60000"
        );
        var server = redis.GetServers().Single();
        var sets = server.Keys(pattern: $"*{KeyPrefix}*:keys:*", pageSize: 1000).ToList();
        var database = redis.GetDatabase();
        var sizes = new Dictionary<string, long>();
        foreach (var key in sets)
        {
            if (await database.KeyTypeAsync(key) == StackExchange.Redis.RedisType.Set)
                sizes[key.ToString()] = await database.SetLengthAsync(key);
        }

        Assert.NotEmpty(sizes);
        foreach (var (key, size) in sizes)
        {
            var surplus = size - left / sizes.Count + 1;
            if (surplus > 0)
                await database.SetPopAsync(key, surplus);
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var caller in _callers)
            await caller.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _prometheus?.Dispose();
        if (_prometheusServer is not null)
            await _prometheusServer.DisposeAsync();
        if (_alertmanager is not null)
            await _alertmanager.DisposeAsync();
        if (_product is not null)
            await _product.DisposeAsync();
        if (_receiver is not null)
            await _receiver.DisposeAsync();
        if (_redis is not null)
            await _redis.DisposeAsync();
        if (Postgres is not null)
            await Postgres.DisposeAsync();
        _stop.Dispose();
        _folder.Dispose();
    }

    private string Connection() =>
        new NpgsqlConnectionStringBuilder
        {
            Host = string.Join(',', Postgres.Nodes.Select(node => string.Create(CultureInfo.InvariantCulture, $"{node.Host}:{node.Port}"))),
            Username = "postgres",
            Database = Database,
        }.ConnectionString;

    // A caller that goes on, whatever the answer is.
    private Task RepeatAsync(Func<Task<Reply>> request) =>
        Task.Run(async () =>
        {
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    await request();
                }
                catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
                {
                    // What the region does not answer is what Prometheus is to see.
                }

                await Task.Delay(Pause, _stop.Token);
            }
        });

    private static Dictionary<string, string> Secrets() =>
        new()
        {
            ["pagerduty-routing-key"] = "routing-key-of-the-test",
            ["page-webhook-token"] = "token-of-the-pager",
            ["watchdog-token"] = "token-of-the-switch",
        };

    private string AlertmanagerConfiguration()
    {
        var receiver = Receiver.Address.ToString().TrimEnd('/');
        return Faster.Routes(
            $"""
            global:
              pagerduty_url: {receiver}/pagerduty

            {File.ReadAllText(Monitoring.PathOf("alertmanager/alertmanager.yaml"))
                .Replace("https://deadman.example/heartbeat", $"{receiver}/watchdog", StringComparison.Ordinal)
                .Replace("https://pager.example/alerts", $"{receiver}/page", StringComparison.Ordinal)
                .Replace("api_url_file: channel-url", $"api_url: {receiver}/channel", StringComparison.Ordinal)}
            """
        );
    }

    private string PrometheusConfiguration() =>
        $"""
            global:
              scrape_interval: {Faster.Interval.TotalSeconds:0}s
              scrape_timeout: {Faster.Interval.TotalSeconds:0}s
              evaluation_interval: {Faster.Interval.TotalSeconds:0}s
            rule_files: [rules/*.yaml]
            alerting:
              alertmanagers:
              - static_configs:
                - targets: ["{Alertmanager.Authority}"]
            scrape_configs:
            - job_name: url-shortener
              static_configs:
              - targets: ["{Product.Http.BaseAddress!.Authority}"]
                labels:
                  namespace: shop
                  pod: eu-app-1
                  container: app
                  endpoint: management
            """;
}
