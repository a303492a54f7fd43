using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>Counts the processes that share the region's Redis. Each process announces itself every few seconds, by the servers' clock, and removes itself when
/// it stops.</summary>
internal sealed class ProcessCensus(RedisConnection connection, RedisOptions options, TimeProvider time) : BackgroundService
{
    /// <summary>Time between announcements.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // A process that missed three announcements counts as gone.
    private static readonly long Window = (long)(Interval * 3).TotalMilliseconds;

    private static readonly RedisScript Announce = new(
        "announce process",
        """
        local clock = redis.call('TIME')
        local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
        redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - ARGV[2]))
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return redis.call('ZCARD', KEYS[1])
        """
    );

    private readonly string _key = $"{options.KeyPrefix}:processes";
    private readonly string _id = Guid.NewGuid().ToString("N");
    private volatile int _processes = 1;

    /// <summary>Number of processes seen recently, including this one. While Redis is unavailable, the last known number. At least 1.</summary>
    public int Processes => _processes;

    /// <inheritdoc />
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await connection.Background.CallAsync("ZREM", _key, database => database.SortedSetRemoveAsync(_key, _id), cancellationToken);
        }
        // The other processes notice a little later. The time for the stop may also be over. In either case the stop must not fail.
        catch (Exception error) when (error is DependencyException or OperationCanceledException) { }
    }

    /// <summary>Announces this process and counts all processes.</summary>
    internal async Task CountAsync(CancellationToken cancellationToken)
    {
        try
        {
            _processes = Math.Max(1, (int)await connection.Background.RunAsync(Announce, _key, [_id, Window], cancellationToken));
        }
        catch (DependencyException)
        {
            // The last number is the best estimate. The connection reports the outage.
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await connection.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(Interval, time);
        do await CountAsync(stoppingToken);
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
