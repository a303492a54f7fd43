using System.Globalization;
using System.Net;
using Prometheus;
using StackExchange.Redis;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>
/// Counts the keys that the masters evicted for want of memory, since this process started. The servers' own counters start again with each server, and would
/// make a sum jump; so this adds up their growth.
/// </summary>
internal sealed partial class RedisEvictions(RedisConnection connection, TimeProvider time, ILogger<RedisEvictions> logger) : BackgroundService
{
    private const string Field = "evicted_keys:";

    // Servers come and go with their addresses. Past this number the oldest knowledge is not worth its memory.
    private const int MostServers = 256;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    // Not reported before a server answered: an account may not be allowed to ask, and then a 0 would say that nothing is evicted.
    private static readonly Counter Evicted = Metrics.CreateCounter(
        "shortener_redis_evicted_keys_total",
        "Keys that the servers of the Redis Cluster evicted since this process started. Every process reports the whole cluster.",
        new CounterConfiguration { SuppressInitialValue = true }
    );

    private readonly Dictionary<EndPoint, long> _known = [];

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var multiplexer = await connection.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(Interval, time);
        do await ReadAsync(multiplexer, stoppingToken);
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>The value in a server's answer to INFO; null: there is none.</summary>
    internal static long? Parse(string? info)
    {
        var line = info?.Split('\n').FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal));
        return long.TryParse(line?[Field.Length..].TrimEnd('\r'), NumberStyles.None, CultureInfo.InvariantCulture, out var evicted) ? evicted : null;
    }

    /// <summary>Growth of a server's counter. A counter that is smaller than before began again.</summary>
    internal static long Growth(long? before, long now) =>
        before is null ? 0
        : now >= before ? now - before.Value
        : now;

    private async Task ReadAsync(ConnectionMultiplexer multiplexer, CancellationToken cancellationToken)
    {
        if (_known.Count > MostServers)
            _known.Clear();
        foreach (var server in multiplexer.GetServers().Where(server => server is { IsConnected: true, IsReplica: false }))
        {
            try
            {
                var reply = await server.ExecuteAsync("INFO", "stats").WaitAsync(RedisConnection.BackgroundTimeout, time, cancellationToken);
                if (Parse((string?)reply) is not { } evicted)
                    continue;
                Evicted.Inc(Growth(_known.TryGetValue(server.EndPoint, out var before) ? before : null, evicted));
                Evicted.Publish();
                _known[server.EndPoint] = evicted;
            }
            // The connection reports servers that do not answer.
            catch (Exception error) when (!error.IsStopBy(cancellationToken))
            {
                Log.NotRead(logger, error);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "Cannot read how many keys a Redis server evicted")]
        public static partial void NotRead(ILogger logger, Exception error);
    }
}
