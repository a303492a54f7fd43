using UrlShortener.Chaos.Tests.Histories;
using UrlShortener.Chaos.Tests.Traffic;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;

namespace UrlShortener.Chaos.Tests.Product;

/// <summary>Servers, a database in them, and the processes of the product that use both.</summary>
internal sealed class Installation : IAsyncDisposable
{
    /// <summary>First part of all keys in Redis.</summary>
    public const string KeyPrefix = "chaos";

    // Out of the box the pool of a region has a million codes: the servers would be busy with them during the whole case.
    private static readonly string[] Pool =
    [
        "--Kgs:TargetLevel=20000",
        "--Kgs:LowWatermark=10000",
        "--Kgs:CriticalWatermark=1000",
        "--Kgs:BatchSize=2000",
        "--Keys:PoolSize=2000",
        "--Keys:LowWatermark=1000",
    ];

    private readonly List<Pod> _pods = [];
    private readonly IReadOnlyList<string> _settings;
    private string _apiKey = "";

    private Installation(PostgresCluster postgres, RedisCluster? redis, string connectionString, IEnumerable<string> settings)
    {
        Postgres = postgres;
        Redis = redis;
        _settings =
        [
            $"--ConnectionStrings:Postgres={connectionString}",
            .. redis is null ? Array.Empty<string>() : [$"--ConnectionStrings:Redis={redis.Configuration}", $"--Redis:KeyPrefix={KeyPrefix}"],
            "--RateLimiting:Enabled=false",
            .. Pool,
            .. settings,
        ];
    }

    /// <summary>The database servers.</summary>
    public PostgresCluster Postgres { get; }

    /// <summary>The Redis Cluster; null: the installation has none.</summary>
    public RedisCluster? Redis { get; }

    /// <summary>All processes that were started, those that are gone included.</summary>
    public IReadOnlyList<Pod> Pods => _pods;

    /// <summary>What clients did.</summary>
    public History History { get; } = new();

    /// <summary>Key of the first user.</summary>
    public string ApiKey => _apiKey;

    /// <summary>Makes a database, brings its tables up to date and makes the first user.</summary>
    public static async Task<Installation> CreateAsync(
        PostgresCluster postgres,
        RedisCluster? redis,
        IEnumerable<string> settings,
        CancellationToken cancellationToken
    ) => new(postgres, redis, await postgres.CreateDatabaseAsync("shortener", cancellationToken), settings);

    /// <summary>Starts a process. The first one makes the tables and the first user.</summary>
    public Task<Pod> StartPodAsync(string name, params string[] settings) => StartPodAsync(name, null, settings);

    /// <summary>Starts a process by a command that becomes the product. Its settings go after the installation's.</summary>
    public async Task<Pod> StartPodAsync(string name, IReadOnlyList<string>? command, params string[] settings)
    {
        string[] all = [.. _settings, $"--Postgres:MigrateOnStart={_apiKey.Length == 0}", .. settings];
        var pod = command is null ? await Pod.StartAsync(name, all) : await Pod.StartAsync(name, command, all);
        _pods.Add(pod);
        if (_apiKey.Length == 0)
        {
            _apiKey = await pod.ReadFirstKeyAsync();
            // Whatever happens from now on, no replica has to be waited for to know the tables and the user.
            await Postgres.WaitUntilReplicasCaughtUpAsync(CancellationToken.None);
        }

        return pod;
    }

    /// <summary>A client of the first user.</summary>
    public Client ClientOf(Pod pod) => new(History, pod, _apiKey);

    /// <summary>Creates links; follows each on the given pods, which hold them in memory from then on.</summary>
    public async Task<IReadOnlyList<string>> CreateLinksAsync(int count, IReadOnlyList<Pod> pods, CancellationToken cancellationToken)
    {
        var codes = new List<string>();
        for (var i = 0; i < count; i++)
        {
            var client = ClientOf(pods[i % pods.Count]);
            var target = $"https://example.com/first/{Guid.NewGuid():N}";
            // The case has not begun: a process that has just started on a busy machine may take its time.
            var created = await Eventually.ReadAsync(() => client.CreateAsync(target, cancellationToken), create => create.IsAcknowledged, "a link is created");
            codes.Add(created.Code);
        }

        foreach (var client in pods.Select(ClientOf))
        {
            foreach (var code in codes)
                await Eventually.ReadAsync(() => client.FollowAsync(code, cancellationToken), follow => follow.IsRedirect, "a link is followed");
        }

        return codes;
    }

    /// <summary>Follows each of some links, which must lead somewhere.</summary>
    public async Task FollowAllAsync(Pod pod, IEnumerable<string> codes, CancellationToken cancellationToken)
    {
        foreach (var code in codes)
        {
            var followed = await ClientOf(pod).FollowAsync(code, cancellationToken);
            Xunit.Assert.True(followed.IsRedirect, followed.ToString());
        }
    }

    /// <summary>Holds the whole history against what the product promises, and looks at every link that was ever acknowledged once more.</summary>
    /// <param name="pod">The pod that is asked for the links.</param>
    /// <param name="bound">See <see cref="HistoryCheck"/>; on a quiet machine.</param>
    /// <param name="outages">See <see cref="HistoryCheck"/>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task VerifyAsync(Pod pod, TimeSpan bound, IReadOnlyList<(TimeSpan From, TimeSpan To)> outages, CancellationToken cancellationToken)
    {
        var operations = History.Operations;
        var created = operations.Where(operation => operation is { Kind: OperationKind.Create, IsAcknowledged: true });
        var codes = created.Select(operation => operation.Code).Distinct();
        var last = new List<Operation>();
        // An answer that says nothing about the link is no loss: on a busy machine the database may answer a look too late.
        foreach (var portion in codes.Chunk(16))
            last.AddRange(
                await Task.WhenAll(
                    portion.Select(code =>
                        Eventually.ReadAsync(() => ClientOf(pod).FollowAsync(code, cancellationToken), follow => !follow.IsUncertain, $"{code} is looked at")
                    )
                )
            );
        // What tells processes of changes takes longer on a busy machine, as all else does.
        var usual = History.Operations.Where(operation => operation.IsRedirect).Select(operation => operation.Duration).Order().ToList();
        var known = bound + (20 * usual[usual.Count / 2]);
        string[] faults = [.. new HistoryCheck(known, outages).FindFaults(History.Operations), .. HistoryCheck.FindLosses(operations, last)];
        Xunit.Assert.True(faults.Length == 0, $"{faults.Length} faults among {operations.Count} operations:\n{string.Join('\n', faults.Take(20))}");
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var pod in _pods)
            await pod.DisposeAsync();
        if (Redis is not null)
            await Redis.DisposeAsync();
        await Postgres.DisposeAsync();
    }
}
