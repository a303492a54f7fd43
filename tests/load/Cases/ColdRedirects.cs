namespace UrlShortener.Load.Cases;

/// <summary>
/// Redirects of links that the process never saw, each requested once. One process goes first, and finds each link in the database alone; another then finds
/// them in Redis, where the first has put them.
/// </summary>
internal sealed class ColdRedirects : ILoadCase
{
    // More than this machine can answer in the time, so that no list runs out.
    private const int LightPerSecond = 8_000;
    private const int FullPerSecond = 25_000;
    private const int WarmUpLinks = 10_000;
    private const double MostP99Milliseconds = 50;

    public string Name => "cold";

    public async Task<CaseReport> RunAsync(CaseContext context, Installation installation, CancellationToken cancellationToken)
    {
        var options = context.Options;
        await using var first = await installation.StartAsync(cancellationToken);
        context.Progress("creating links");
        var (light, full) = (options.Seconds * LightPerSecond, options.Seconds * FullPerSecond);
        var paths = await first.CreateLinksAsync(WarmUpLinks + (options.Rounds * (light + full)), cancellationToken);
        var lists = new Lists(paths, WarmUpLinks, light, full);
        string[] codes = [.. paths.Select(path => path[1..])];

        await using var database = await PostgresFloor.OpenAsync(installation.Postgres, options.MostConnections, cancellationToken);
        await database.FillAsync(codes, cancellationToken);
        var databaseTier = new Tier(context, first, lists, cancellationToken);
        await databaseTier.WarmUpAsync();
        var databaseLight = await databaseTier.MeasureAsync(
            options.Light("database hit"),
            lists.Light,
            load => database.SelectAsync(codes, load, cancellationToken)
        );
        var databaseFull = await databaseTier.MeasureAsync(
            options.Full("database hit"),
            lists.Full,
            load => database.SelectAsync(codes, load, cancellationToken)
        );
        var fromDatabase = await databaseTier.ReadAsync();

        context.Progress("putting all links into Redis");
        await databaseTier.RequestAllAsync(paths);
        await first.DrainAsync(cancellationToken);
        await using var second = await installation.StartAsync(cancellationToken);
        await using var redis = await RedisFloor.ConnectAsync(context.Backends.Redis, [.. codes.Select(installation.RedisKeyOf)]);
        var redisTier = new Tier(context, second, lists, cancellationToken);
        await redisTier.WarmUpAsync();
        var redisLight = await redisTier.MeasureAsync(options.Light("Redis hit"), lists.Light, load => redis.GetAsync(load, cancellationToken));
        var redisFull = await redisTier.MeasureAsync(options.Full("Redis hit"), lists.Full, load => redis.GetAsync(load, cancellationToken));
        var fromRedis = await redisTier.ReadAsync();
        await second.Server.StopAsync(cancellationToken);
        await first.Server.StopAsync(cancellationToken);
        return new CaseReport(
            "Redirects with a cold memory",
            "Each link is requested once. The floors have no HTTP in them: a prepared SELECT by primary key through Npgsql, and a GET of the same keys through "
                + "StackExchange.Redis, with as many loops as connections. The product also stores what it found in Redis after a database hit, and "
                + "all clicks.",
            "req/s",
            [databaseLight, databaseFull, redisLight, redisFull],
            [
                new CaseTable(
                    "Where lookups were answered",
                    ["", "Memory", "Redis", "Database"],
                    [
                        ["Database hit", $"{fromDatabase.Memory}", $"{fromDatabase.Redis}", $"{fromDatabase.Database}"],
                        ["Redis hit", $"{fromRedis.Memory}", $"{fromRedis.Redis}", $"{fromRedis.Database}"],
                    ]
                ),
            ],
            [
                Target.AtMost("P-02 redirect from Redis, p99, light load", redisLight.ProductP99.Median / 1e3, MostP99Milliseconds, "ms"),
                Target.AtMost("P-02 redirect from Redis, p99, full load", redisFull.ProductP99.Median / 1e3, MostP99Milliseconds, "ms"),
                Target.AtMost("P-02 redirect from the database, p99, light load", databaseLight.ProductP99.Median / 1e3, MostP99Milliseconds, "ms"),
                Target.AtMost("P-02 redirect from the database, p99, full load", databaseFull.ProductP99.Median / 1e3, MostP99Milliseconds, "ms"),
            ]
        );
    }

    /// <summary>The paths, cut into those of the warm-up and those of each round.</summary>
    private sealed class Lists(IReadOnlyList<string> paths, int warmUp, int light, int full)
    {
        public IEnumerable<string> WarmUp => paths.Take(warmUp);

        public IEnumerable<string> Light(int round) => paths.Skip(warmUp + ((round - 1) * (light + full))).Take(light);

        public IEnumerable<string> Full(int round) => paths.Skip(warmUp + ((round - 1) * (light + full)) + light).Take(full);
    }

    /// <summary>A process whose memory is cold, and what it is asked for.</summary>
    private sealed class Tier(CaseContext context, Product product, Lists lists, CancellationToken cancellationToken)
    {
        private CacheLookups _before = new(0, 0, 0);

        /// <summary>Makes the process compile and connect, by links that are not measured.</summary>
        public async Task WarmUpAsync()
        {
            context.Progress("warm-up");
            await RequestAllAsync(lists.WarmUp);
            _before = CacheLookups.Of(await product.ReadMetricsAsync(cancellationToken));
        }

        public Task<Comparison> MeasureAsync(LoadProfile load, Func<int, IEnumerable<string>> list, Func<LoadProfile, Task<Measurement>> floor) =>
            RoundLoop.MeasureAsync(
                load,
                context.Options.Rounds,
                _ => floor(load),
                async number =>
                    await context.Wrk.RedirectOnceAsync(
                        product.Server.Address,
                        await context.WritePathsAsync("once", list(number), cancellationToken),
                        load,
                        cancellationToken
                    ),
                () => product.DrainAsync(cancellationToken),
                context.Progress
            );

        public async Task<CacheLookups> ReadAsync() => CacheLookups.Of(await product.ReadMetricsAsync(cancellationToken)).Since(_before);

        public Task RequestAllAsync(IEnumerable<string> paths) =>
            Parallel.ForEachAsync(
                paths,
                new ParallelOptions { MaxDegreeOfParallelism = context.Options.Connections, CancellationToken = cancellationToken },
                async (path, token) =>
                {
                    using var response = await product.Server.Client.GetAsync(path, token);
                    if (response.StatusCode != System.Net.HttpStatusCode.Found)
                        throw new LoadException($"GET {path} answered {(int)response.StatusCode}.");
                }
            );
    }
}
