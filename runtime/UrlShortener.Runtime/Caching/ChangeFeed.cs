using Prometheus;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Caching;

/// <summary>
/// Keeps this process' memory and the shared tier correct even when messages are lost. It receives the messages of other processes, and reads the log, which
/// has all changes, with the epoch in force.
/// </summary>
internal sealed partial class ChangeFeed(
    ILinkChangeLog changes,
    ISharedLinkCache shared,
    LinkCache cache,
    KeyEpoch epoch,
    RedisOptions options,
    TimeProvider time,
    ILogger<ChangeFeed> logger
) : BackgroundService
{
    /// <summary>Time between reads of the log.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan ListenDelay = TimeSpan.FromSeconds(1);

    // Invalidations of the shared tier under way at the same time.
    private const int BatchSize = 32;

    private static readonly Counter Applied = Metrics.CreateCounter(
        "shortener_change_feed_applied_total",
        "Changes read from the log and applied, by cache tier.",
        "tier"
    );

    private static readonly Counter.Child AppliedToMemory = Applied.WithLabels("memory");
    private static readonly Counter.Child AppliedToShared = Applied.WithLabels("redis");

    private static readonly Gauge LastRead = Metrics.CreateGauge(
        "shortener_change_feed_last_read_timestamp_seconds",
        "When the log of changes was last read, in Unix seconds.",
        new GaugeConfiguration { SuppressInitialValue = true }
    );

    private static readonly Counter Dropped = Metrics.CreateCounter(
        "shortener_change_feed_dropped_total",
        "Changes that the shared tier may never hear of, because too many waited for it."
    );

    private readonly ReadWindow _window = new(options.LinkTtl, time);
    private readonly SeenChanges _seen = new();
    private readonly PendingChanges _pending = new();
    private readonly long _start = time.GetTimestamp();
    private bool _isFailing;
    private int _epoch;

    private TimeSpan Now => time.GetElapsedTime(_start);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        await Task.WhenAll(ListenAsync(stoppingToken), FollowLogAsync(stoppingToken));
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        var isFailing = false;
        while (true)
        {
            try
            {
                await shared.ListenAsync(change => cache.Invalidate(change.ShortCode, change.Version), cancellationToken);
                return;
            }
            catch (Exception error) when (!error.IsStopBy(cancellationToken))
            {
                // Only the first failure is logged. A subscription lasts until the end.
                if (!isFailing)
                    Log.NotListening(logger, error);
                isFailing = true;
            }

            await Task.Delay(ListenDelay, time, cancellationToken);
        }
    }

    private async Task FollowLogAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            await ReadAsync(cancellationToken);
            await ApplyAsync(cancellationToken);
        } while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var read = _window.Begin();
        RecentChanges recent;
        try
        {
            recent = await changes.ReadAsync(read.Age, cancellationToken);
        }
        catch (Exception error) when (!error.IsStopBy(cancellationToken))
        {
            if (!_isFailing)
                Log.NotRead(logger, error);
            _isFailing = true;
            return;
        }

        TakeEpoch(recent.Epoch);
        Take(recent.Changes, read.IsFirst);
        _window.Succeeded(read, recent.Behind);
        LastRead.Set(time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0);
        if (_isFailing)
            Log.ReadAgain(logger);
        _isFailing = false;
    }

    private void TakeEpoch(int current)
    {
        if (current <= _epoch)
            return;
        epoch.Observe(current);
        _seen.Clear();
        Log.EpochOpened(logger, current);
        _epoch = current;
    }

    private void Take(IReadOnlyList<LoggedChange> logged, bool isFirst)
    {
        foreach (var (id, change) in logged)
        {
            if (!_seen.TryAdd(id, Now))
                continue;
            cache.Invalidate(change.ShortCode, change.Version);
            AppliedToMemory.Inc();
            // Changes in the first read are old: no server that just received one can lose it.
            Dropped.Inc(_pending.Add(change, Now, isFirst ? 1 : 2));
        }

        _seen.Forget(Now);
    }

    private async Task ApplyAsync(CancellationToken cancellationToken)
    {
        var end = Now + Interval;
        var isAnswering = true;
        while (isAnswering && Now <= end && _pending.FindDue(Now, BatchSize) is { Count: > 0 } due)
        {
            var applied = await Task.WhenAll(due.Select(change => shared.VoidAsync(change, cancellationToken).AsTask()));
            for (var i = 0; i < due.Count; i++)
                _pending.Note(due[i], applied[i], Now);
            AppliedToShared.Inc(applied.Count(isApplied => isApplied));
            // In a cluster some servers may be down while others answer.
            isAnswering = applied.Contains(true);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot subscribe to changes; using the change log, retrying every second")]
        public static partial void NotListening(ILogger logger, Exception error);

        [LoggerMessage(2, LogLevel.Warning, "Cannot read the change log; links changed by other processes may be stale until it can be read")]
        public static partial void NotRead(ILogger logger, Exception error);

        [LoggerMessage(3, LogLevel.Information, "The change log can be read again")]
        public static partial void ReadAgain(ILogger logger);

        [LoggerMessage(4, LogLevel.Information, "Epoch {Epoch} is in force; links and unused codes held from older ones are void")]
        public static partial void EpochOpened(ILogger logger, int epoch);
    }
}
