using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>Counts the processes that share the region's Redis: each announces itself every few seconds, by the servers' clock, and signs off at its
/// stop.</summary>
internal sealed class ProcessCensus(RedisConnection connection, RedisOptions options, TimeProvider time) : BackgroundService
{
    /// <summary>Time between announcements.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // Who missed three announcements is gone.
    private static readonly long Window = (long)(Interval * 3).TotalMilliseconds;

    private static readonly RedisScript Announce = new(
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

    /// <summary>Processes seen lately, this one included; the last number known while Redis is away. At least 1.</summary>
    public int Processes => _processes;

    /// <inheritdoc />
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await connection.Background.CallAsync(_key, database => database.SortedSetRemoveAsync(_key, _id), cancellationToken);
        }
        // Then the others miss it a little later. The time for the stop may be over, too; a stop must not fail for it.
        catch (Exception error) when (error is DependencyException or OperationCanceledException) { }
    }

    /// <summary>Announces this process and counts all.</summary>
    internal async Task CountAsync(CancellationToken cancellationToken)
    {
        try
        {
            _processes = Math.Max(1, (int)await connection.Background.RunAsync(Announce, _key, [_id, Window], cancellationToken));
        }
        catch (DependencyException)
        {
            // The last number is the best guess there is; the connection tells of the outage.
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
