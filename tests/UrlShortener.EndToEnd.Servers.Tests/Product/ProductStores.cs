using System.Text;
using Npgsql;
using StackExchange.Redis;
using UrlShortener.TestServers.Network;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>
/// Where a product keeps its data, for as long as a test: here a database and a key prefix of its own on the servers of the run. Products that are started one
/// after another, or side by side, may share it. PostgreSQL is reached through gates, by which the product can be cut off.
/// </summary>
internal sealed class ProductStores : IAsyncDisposable
{
    // On a machine that is busy with other things, servers that are well must not look ill. Tests of servers that are ill set their own, which win.
    private static readonly string[] PatientSettings =
    [
        "--Postgres:ConnectTimeout=00:00:20",
        "--Postgres:ReadTimeout=00:00:20",
        "--Postgres:WriteTimeout=00:00:20",
        "--Postgres:QueryTimeout=00:00:20",
        "--Redis:Timeout=00:00:02",
    ];

    // The order matters to who reads a failure first: what is missing, what is double, what was counted wrong.
    private static readonly (string Problem, string Query)[] Checks =
    [
        (
            "links are not in the registry of codes",
            """
            SELECT count(*) FROM urls LEFT JOIN kgs_keys ON kgs_keys.short_code = urls.short_code AND kgs_keys.used_at = urls.created_at AND kgs_keys.is_used
            WHERE kgs_keys.short_code IS NULL
            """
        ),
        ("codes have more than one link", "SELECT count(*) FROM (SELECT 1 FROM urls GROUP BY short_code HAVING count(*) > 1) AS twice"),
        (
            "links have another number of clicks than there are",
            """
            SELECT count(*) FROM urls
            LEFT JOIN (SELECT short_code, count(*) FILTER (WHERE NOT is_bot) AS clicks FROM click_events GROUP BY short_code) AS clicked USING (short_code)
            WHERE urls.click_count <> coalesce(clicked.clicks, 0)
            """
        ),
        (
            "links have other sums of clicks than there are clicks",
            """
            SELECT count(*) FROM (SELECT short_code, count(*) AS clicks FROM click_events WHERE NOT is_bot GROUP BY short_code) AS clicked
            FULL JOIN (SELECT short_code, sum(quarter_1 + quarter_2 + quarter_3 + quarter_4) AS clicks FROM click_hours GROUP BY short_code) AS summed USING (short_code)
            WHERE coalesce(clicked.clicks, 0) <> coalesce(summed.clicks, 0)
            """
        ),
    ];

    private const string EmptyDatabase = "template1";

    private readonly TestFolder _folder = new();
    private readonly TcpGate? _redisGate;
    private readonly IReadOnlyList<TcpGate> _postgresGates;
    private readonly string _redis;

    private ProductStores(Servers servers, bool isRedisGated)
    {
        Servers = servers;
        _postgresGates = [.. servers.Postgres.Nodes.Select(node => new TcpGate(node.Port))];
        _redisGate = isRedisGated ? new TcpGate(servers.RedisServer.Node.Port) : null;
        // As patient as the limits below, in milliseconds.
        _redis = _redisGate is null ? $"{servers.RedisCluster.Configuration},connectTimeout=20000,syncTimeout=20000" : $"127.0.0.1:{_redisGate.Port}";
    }

    /// <summary>Of a process that serves: smaller than out of the box, so that a start does not generate a million codes.</summary>
    public static IReadOnlyList<string> PoolSettings { get; } =
    ["--Kgs:TargetLevel=10000", "--Kgs:LowWatermark=5000", "--Kgs:CriticalWatermark=1000", "--Keys:PoolSize=2000", "--Keys:LowWatermark=1000"];

    /// <summary>Whether the data is on servers, which may be slow or away.</summary>
    public static bool AreServers => true;

    /// <summary>The servers behind.</summary>
    public Servers Servers { get; }

    /// <summary>Name of the database.</summary>
    public string Database { get; } = $"e2e_{Guid.NewGuid():N}";

    /// <summary>First part of every key in Redis.</summary>
    public string KeyPrefix { get; } = $"e2e-{Guid.NewGuid().ToString("N")[..12]}";

    /// <summary>The gate in front of Redis, where there is one.</summary>
    public TcpGate RedisGate => _redisGate ?? throw new InvalidOperationException("These stores were made without a gate in front of Redis.");

    /// <summary>The working directory of the product; empty at first, and nothing is kept in it.</summary>
    public string Folder => _folder.FullName;

    /// <summary>What tells a product to keep its data here.</summary>
    public IReadOnlyList<string> Settings =>
        [
            $"--ConnectionStrings:Postgres={PostgresConnection}",
            $"--ConnectionStrings:Redis={_redis}",
            $"--Redis:KeyPrefix={KeyPrefix}",
            "--Postgres:MigrateOnStart=true",
            .. PatientSettings,
        ];

    /// <summary>The product's connection string, through the gates.</summary>
    public string PostgresConnection =>
        new NpgsqlConnectionStringBuilder
        {
            Host = string.Join(',', _postgresGates.Select(gate => $"127.0.0.1:{gate.Port}")),
            Username = "postgres",
            Database = Database,
        }.ConnectionString;

    /// <summary>Makes a place for data, with nothing in it. Skips the test, and says why, where the servers cannot be had.</summary>
    public static Task<ProductStores> CreateAsync() => CreateAsync(isRedisGated: false, EmptyDatabase);

    /// <summary>The same with a single Redis behind <see cref="RedisGate"/> instead of the cluster.</summary>
    public static Task<ProductStores> CreateWithRedisGateAsync() => CreateAsync(isRedisGated: true, EmptyDatabase);

    /// <summary>The same, with the data of another database, to which nobody may be connected.</summary>
    public static async Task<ProductStores> CreateAsync(bool isRedisGated, string template)
    {
        var stores = new ProductStores(await Servers.GetAsync(), isRedisGated);
        try
        {
            await stores.Servers.Postgres.CreateDatabaseAsync(stores.Database, template, CancellationToken.None);
            return stores;
        }
        catch
        {
            await stores.DisposeAsync();
            throw;
        }
    }

    /// <summary>After all products have stopped: <c>ok</c>, or what is wrong with the data.</summary>
    public async Task<string> CheckAsync()
    {
        foreach (var (problem, query) in Checks)
        {
            if (await ReadAsync(query) is var count and > 0)
                return $"{count} {problem}.";
        }

        return "ok";
    }

    /// <summary>Whether bytes occur anywhere in the data of PostgreSQL and Redis.</summary>
    public async Task<bool> HoldAsync(byte[] bytes) => await PostgresHoldsAsync(bytes) || await RedisHoldsAsync(bytes);

    /// <summary>Adds a user of the tier free, as the product does.</summary>
    public async Task AddUserAsync(string email, string keyHash, int rateLimit, long? quota)
    {
        await using var connection = await OpenAsync();
        await using var command = Command(connection, "INSERT INTO users (email, api_key, tier, rate_limit, quota_bytes) VALUES ($1, $2, 'free', $3, $4)");
        command.Parameters.AddWithValue(email);
        command.Parameters.AddWithValue(keyHash);
        command.Parameters.AddWithValue(rateLimit);
        command.Parameters.Add(new NpgsqlParameter<long?> { TypedValue = quota, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bigint });
        await command.ExecuteNonQueryAsync(CancellationToken.None);
        await Servers.Postgres.WaitUntilReplicasCaughtUpAsync(CancellationToken.None);
    }

    /// <summary>Ends a link behind the product's back, in the past, which the API refuses.</summary>
    public Task ExpireLinkAsync(string code) => ChangeLinkAsync(code, "expires_at = to_timestamp(1)");

    /// <summary>Changes the target of a link behind the product's back, whatever the API says of it.</summary>
    public Task RetargetLinkAsync(string code, string target) => ChangeLinkAsync(code, $"original_url = '{target}'");

    /// <summary>What is stored of the clicks of a link: single ones, and sums.</summary>
    public Task<long> CountClickRecordsAsync(string code) =>
        ReadAsync(
            $"""
            SELECT (SELECT count(*) FROM click_events WHERE short_code = '{code}') + (SELECT count(*) FROM click_days WHERE short_code = '{code}')
                + (SELECT count(*) FROM click_hours WHERE short_code = '{code}') + (SELECT count(*) FROM click_day_values WHERE short_code = '{code}')
            """
        );

    /// <summary>Cuts the product off from all servers of PostgreSQL: nothing can be read or written from then on.</summary>
    public Task LoseAsync()
    {
        foreach (var gate in _postgresGates)
            gate.Mode = TcpGateMode.Closed;
        return Task.CompletedTask;
    }

    /// <summary>Runs a statement on the primary.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await ExecuteAsync(connection, sql);
    }

    /// <summary>Reads a number from the primary.</summary>
    public async Task<long> ReadAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = Command(connection, sql);
        return Convert.ToInt64(await command.ExecuteScalarAsync(CancellationToken.None), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Locks tables against writes, as a maintenance job that hangs would, until it is disposed.</summary>
    public async Task<IAsyncDisposable> LockWritesAsync(params string[] tables)
    {
        var connection = await OpenAsync();
        await ExecuteAsync(connection, $"BEGIN; LOCK TABLE {string.Join(", ", tables)} IN EXCLUSIVE MODE");
        return connection;
    }

    /// <summary>Locks tables against reads too, until it is disposed.</summary>
    public async Task<IAsyncDisposable> LockReadsAsync(params string[] tables)
    {
        var connection = await OpenAsync();
        await ExecuteAsync(connection, $"BEGIN; LOCK TABLE {string.Join(", ", tables)} IN ACCESS EXCLUSIVE MODE");
        return connection;
    }

    /// <summary>Codes that lie in the region's pool of an epoch.</summary>
    public async Task<IReadOnlySet<string>> FindPooledCodesAsync(int epoch)
    {
        var codes = new HashSet<string>();
        foreach (var key in await FindRedisKeysAsync($"keys:local:{epoch}:*"))
            codes.UnionWith((await Servers.Redis.GetDatabase().SetMembersAsync(key)).Select(code => code.ToString()));
        return codes;
    }

    /// <summary>Codes that were generated and not used, wherever they lie.</summary>
    public async Task<IReadOnlySet<string>> FindUnusedCodesAsync()
    {
        await using var connection = await OpenAsync();
        await using var command = Command(connection, "SELECT short_code FROM kgs_keys WHERE NOT is_used");
        await using var rows = await command.ExecuteReaderAsync(CancellationToken.None);
        var codes = new HashSet<string>();
        while (await rows.ReadAsync(CancellationToken.None))
            codes.Add(rows.GetString(0));
        return codes;
    }

    /// <summary>Waits until each process that limits callers has counted all of them, in stores with a gate in front of Redis.</summary>
    public async Task WaitUntilCountedAsync(int processes)
    {
        var redis = Servers.RedisBehindGates.GetDatabase();
        // Each tells when it counted last: a process that did so after all had signed on has counted all.
        var first = await Eventually.ReadAsync(ReadAsync, counted => counted.Count == processes, $"{processes} processes sign on");
        await Eventually.ReadAsync(ReadAsync, counted => counted.All(process => process.Value > first.Values.Max()), "all processes are counted by each");

        async Task<Dictionary<string, double>> ReadAsync() =>
            (await redis.SortedSetRangeByRankWithScoresAsync($"{KeyPrefix}:processes")).ToDictionary(entry => entry.Element.ToString(), entry => entry.Score);
    }

    /// <summary>All keys of these stores in the cluster.</summary>
    public async Task<IReadOnlyList<RedisKey>> FindRedisKeysAsync(string pattern = "*")
    {
        var keys = new List<RedisKey>();
        foreach (var server in Servers.Redis.GetServers().Where(server => server is { IsConnected: true, IsReplica: false }))
        {
            await foreach (var key in server.KeysAsync(pattern: $"{KeyPrefix}:{pattern}", pageSize: 1_000))
                keys.Add(key);
        }

        return keys;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var gate in _postgresGates.Append(_redisGate))
        {
            if (gate is not null)
                await gate.DisposeAsync();
        }

        await Servers.Postgres.DropDatabaseAsync(Database, CancellationToken.None);
        // A single Redis behind a gate is small enough to be left as it is until it ends.
        var redis = Servers.Redis.GetDatabase();
        await Task.WhenAll((await FindRedisKeysAsync()).Select(key => redis.KeyDeleteAsync(key)));
        _folder.Dispose();
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql)
    {
        // Statements are those of this class and of tests, with codes and tables that these chose, on a database of their own: nothing comes from outside.
#pragma warning disable CA2100
        return new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = Command(connection, sql);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var primary = await Servers.Postgres.GetPrimaryAsync(CancellationToken.None);
        var connection = new NpgsqlConnection(primary.DirectConnectionString(Database));
        await connection.OpenAsync(CancellationToken.None);
        return connection;
    }

    // The products cannot know of it: replicas must have it before the next request.
    private async Task ChangeLinkAsync(string code, string assignment)
    {
        await ExecuteAsync($"UPDATE urls SET {assignment} WHERE short_code = '{code}'");
        await Servers.Postgres.WaitUntilReplicasCaughtUpAsync(CancellationToken.None);
    }

    // Every table in the form in which PostgreSQL sends it: texts as they are, bytes as they are.
    private async Task<bool> PostgresHoldsAsync(byte[] bytes)
    {
        await using var connection = await OpenAsync();
        var tables = new List<string>();
        await using (
            var command = Command(connection, "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        )
        await using (var rows = await command.ExecuteReaderAsync(CancellationToken.None))
        {
            while (await rows.ReadAsync(CancellationToken.None))
                tables.Add(rows.GetString(0));
        }

        foreach (var table in tables)
        {
            await using var copy = await connection.BeginRawBinaryCopyAsync($"COPY {table} TO STDOUT (FORMAT BINARY)", CancellationToken.None);
            using var content = new MemoryStream();
            await copy.CopyToAsync(content, CancellationToken.None);
            if (content.ToArray().AsSpan().IndexOf(bytes) >= 0)
                return true;
        }

        return false;
    }

    private async Task<bool> RedisHoldsAsync(byte[] bytes)
    {
        foreach (var key in await FindRedisKeysAsync())
        {
            if (await IsForgottenInAMinuteAsync(key))
                continue;
            if (Encoding.UTF8.GetBytes(key.ToString()).AsSpan().IndexOf(bytes) >= 0)
                return true;
            foreach (var value in await ReadRedisAsync(key))
            {
                if (((byte[]?)value).AsSpan().IndexOf(bytes) >= 0)
                    return true;
            }
        }

        return false;
    }

    // An anonymous caller of the API is known by the address; the bucket of its limit is gone once it is full again.
    private async Task<bool> IsForgottenInAMinuteAsync(RedisKey key) =>
        key.ToString().StartsWith($"{KeyPrefix}:rate:address:", StringComparison.Ordinal)
        && (!await Servers.Redis.GetDatabase().KeyExistsAsync(key) || await Servers.Redis.GetDatabase().KeyTimeToLiveAsync(key) <= TimeSpan.FromMinutes(1));

    private async Task<IEnumerable<RedisValue>> ReadRedisAsync(RedisKey key)
    {
        var redis = Servers.Redis.GetDatabase();
        return await redis.KeyTypeAsync(key) switch
        {
            RedisType.String => [await redis.StringGetAsync(key)],
            RedisType.Set => await redis.SetMembersAsync(key),
            RedisType.SortedSet => await redis.SortedSetRangeByRankAsync(key),
            RedisType.Hash => (await redis.HashGetAllAsync(key)).SelectMany(entry => new[] { entry.Name, entry.Value }),
            // Gone meanwhile.
            RedisType.None => [],
            var type => throw new NotSupportedException($"{key} is a {type}."),
        };
    }
}
