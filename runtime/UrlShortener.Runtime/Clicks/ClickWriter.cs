using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// Writes captured clicks in batches. A batch that cannot be written is kept and tried again; new clicks wait in the queue. A stop (SIGTERM) writes all that
/// waits, unless the store keeps failing; a kill loses what came within the last flush interval. In a region that takes no writes, clicks wait in the queue,
/// unless they are stored elsewhere.
/// </summary>
internal sealed partial class ClickWriter(
    ClickQueue queue,
    IClickSink sink,
    IClickSalts salts,
    ClickEnricher enricher,
    WriteAccess access,
    ClickOptions options,
    TimeProvider time,
    ILogger<ClickWriter> logger
) : BackgroundService
{
    /// <summary>How long a stop goes on trying while the store refuses every write. Orchestrators commonly kill a process 30 s after SIGTERM.</summary>
    public static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan SaltsAheadFrom = TimeSpan.FromHours(23);
    private static readonly TimeSpan AskAgain = TimeSpan.FromMinutes(1);

    private const int ClicksPerYield = 64;
    private const int TurnsPerFlush = 7;
    private const int BatchesPerQueue = 4;

    private readonly List<StoredClick> _batch = [];
    private readonly long _batchLimit = options.QueueBytes / BatchesPerQueue;
    private readonly TimeSpan _turn = options.FlushInterval / TurnsPerFlush;
    private long _batchBytes;
    private Guid _batchId = Guid.NewGuid();
    private (DateOnly Day, byte[] Bytes) _salt;
    private (DateOnly Day, byte[] Bytes) _nextSalt;
    private long? _askedForNextAt;

    // The write of the current batch. Until it ends, the batch must neither change nor be sent again.
    private Task? _append;

    // The batch was sent and may have been stored. It is sent unchanged, with the same id, until the store confirms it.
    private bool _isSent;

    // Set during a stop only. Cancelled once the store has failed for StopPatience.
    private CancellationTokenSource? _giveUp;

    // Timestamp of the first failure of a stop since the last success.
    private long? _failingSince;

    private bool IsBatchFull => _batch.Count >= options.BatchSize || _batchBytes >= _batchLimit;

    /// <inheritdoc />
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        ClickMetrics.CountWaitingBy(() => queue.Count + _batch.Count);
        return base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _giveUp = giveUp;
        try
        {
            giveUp.Token.ThrowIfCancellationRequested();
            do await WriteAllAsync(giveUp.Token);
            while (queue.Count > 0);
        }
        catch (OperationCanceledException)
        {
            var lost = _batch.Count + queue.Count;
            if (lost == 0)
                return;
            (access.IsReadOnly ? ClickMetrics.DroppedInReadOnlyRegion : ClickMetrics.DroppedAtStop).Inc(lost);
            Log.LostAtStop(logger, lost);
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Clicks are taken and enriched in small portions and written in large ones; a burst of either would delay redirects.
        using var timer = new PeriodicTimer(_turn, time);
        var written = time.GetTimestamp();
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (access.IsReadOnly && !sink.TakesClicksOfReadOnlyRegion)
                continue;
            if (!_isSent)
                await TakeAsync(stoppingToken);
            // A process that nobody visits wakes up as rarely as the interval allows.
            timer.Period = _batch.Count == 0 ? options.FlushInterval : _turn;
            if (time.GetElapsedTime(written) < options.FlushInterval && !IsBatchFull)
                continue;
            written = time.GetTimestamp();
            await WriteAllAsync(stoppingToken);
            await PrepareNextSaltAsync(stoppingToken);
        }
    }

    // In the last hour of a day, so that clicks go on at midnight whatever the database does then.
    private async Task PrepareNextSaltAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var next = DateOnly.FromDateTime(now.UtcDateTime).AddDays(1);
        if (now.TimeOfDay < SaltsAheadFrom || _nextSalt.Day == next || (_askedForNextAt is { } asked && time.GetElapsedTime(asked) < AskAgain))
            return;
        _askedForNextAt = time.GetTimestamp();
        try
        {
            _nextSalt = (next, await salts.GetSaltAsync(next, cancellationToken));
        }
        // Nothing is late yet. It is asked for again, at midnight at the latest, and then a failure is told.
        catch (Exception error) when (!error.IsStopBy(cancellationToken)) { }
    }

    private async Task WriteAllAsync(CancellationToken cancellationToken)
    {
        if (_isSent)
            await WriteAsync(cancellationToken);
        while (true)
        {
            await TakeAsync(cancellationToken);
            if (_batch.Count == 0)
                return;
            // Clicks that arrived during the write wait for the next turn: a small batch costs as much as a large one.
            var isLast = !IsBatchFull;
            await WriteAsync(cancellationToken);
            if (isLast)
                return;
        }
    }

    // Takes clicks for one turn at most, so that a steady stream of clicks does not delay the write.
    private async Task TakeAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        // A click is dequeued only after its salt was read, so that a cancelled wait loses no click, and after it is in the batch, so that it waits somewhere.
        while (!IsBatchFull && queue.TryPeek(out var click))
        {
            var salt = await SaltOfAsync(click.At, cancellationToken);
            _batch.Add(enricher.Enrich(click, salt));
            _batchBytes += click.ApproximateBytes;
            queue.TryTake(out _);
            if (_batch.Count % ClicksPerYield != 0)
                continue;
            // Yields to redirects that wait for this core; otherwise this thread would hold it for milliseconds.
            Thread.Yield();
            if (time.GetElapsedTime(started) >= _turn)
                return;
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // A trace of its own: a click carries nothing of its request.
            using var span = Spans.StartWork("write clicks")?.SetTag("db.operation.batch.size", _batch.Count);
            try
            {
                _isSent = true;
                using (Prometheus.TimerExtensions.NewTimer(ClickMetrics.WriteSeconds))
                    await (_append ??= sink.AppendAsync(_batchId, _batch, CancellationToken.None)).WaitAsync(cancellationToken);
                _append = null;
                _isSent = false;
                _failingSince = null;
                // In this order: a click that waits no more is stored.
                ClickMetrics.Stored.Inc(_batch.Count);
                _batch.Clear();
                _batchBytes = 0;
                _batchId = Guid.NewGuid();
                return;
            }
            // The store may recover; until then nothing is dropped.
            catch (Exception error) when (!error.IsStopBy(cancellationToken))
            {
                _append = null;
                span.Fail(error);
                NoteFailure(_batch.Count, error);
                await WaitForRetryAsync(cancellationToken);
            }
        }
    }

    private async ValueTask<byte[]> SaltOfAsync(long at, CancellationToken cancellationToken)
    {
        var day = DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(at).UtcDateTime);
        while (_salt.Bytes is null || _salt.Day != day)
        {
            if (_nextSalt.Bytes is not null && _nextSalt.Day == day)
            {
                _salt = _nextSalt;
                break;
            }

            try
            {
                _salt = (day, await salts.GetSaltAsync(day, cancellationToken));
            }
            catch (Exception error) when (!error.IsStopBy(cancellationToken))
            {
                NoteFailure(queue.Count + _batch.Count, error);
                await WaitForRetryAsync(cancellationToken);
            }
        }

        return _salt.Bytes;
    }

    // That the region takes no writes is logged once, where it was noticed.
    private void NoteFailure(int count, Exception error)
    {
        if (!access.IsReadOnly)
            Log.WriteFailed(logger, count, error);
    }

    // A process that goes on serving waits for the store as long as it takes. One that stops does not: a full disk stays full.
    private async Task WaitForRetryAsync(CancellationToken cancellationToken)
    {
        if (_giveUp is not null)
        {
            _failingSince ??= time.GetTimestamp();
            if (time.GetElapsedTime(_failingSince.Value) >= StopPatience)
                await _giveUp.CancelAsync();
        }

        await Task.Delay(RetryDelay, time, cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot write {Count} clicks; keeping them for the next attempt")]
        public static partial void WriteFailed(ILogger logger, int count, Exception error);

        [LoggerMessage(2, LogLevel.Error, "Lost {Count} clicks: the store did not accept them while the process stopped")]
        public static partial void LostAtStop(ILogger logger, int count);
    }
}
