using System.Collections.Concurrent;
using System.Threading.Channels;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Clicks.Spool;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>
/// Sends the events of the spool, a bounded number of them at a time, and releases each after its delivery report. While Kafka is down or slow, events stay in
/// the spool. A stop (SIGTERM) goes on for a while as long as events arrive; what is left stays in the spool for the next process.
/// </summary>
internal sealed class ClickPublisher : BackgroundService
{
    /// <summary>Most events that are sent and have no report.</summary>
    public const int MaxOutgoing = 10_000;

    /// <summary>
    /// Most events between the oldest one without a report and the last one that was sent. Those of other partitions go on while one partition does not answer,
    /// and stay in the spool until it does.
    /// </summary>
    public const int MaxAhead = 20 * MaxOutgoing;

    /// <summary>How long a stop goes on sending.</summary>
    public static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    /// <summary>How long after a failure an event is sent again, and a producer is replaced.</summary>
    public static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>How long an event may take to arrive until something seems to be wrong.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>How often the files of the connection are read.</summary>
    public static readonly TimeSpan RenewalInterval = TimeSpan.FromSeconds(2);

    private const int EventsPerYield = 64;
    private const int MaxOutgoingBytes = 16 * 1_048_576;

    private readonly ClickSpool _spool;
    private readonly IEventProducerFactory _producers;
    private readonly TimeProvider _time;
    private readonly ILogger<ClickPublisher> _logger;

    private readonly ConcurrentQueue<(OutgoingEvent Event, int Producer, Delivery Delivery)> _reports = [];
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    // Sent, or to be sent again, in the order of the spool. The loop's only, like all below.
    private readonly Queue<OutgoingEvent> _outgoing = [];
    private readonly OutgoingEvents _events = new(MaxOutgoing);
    private readonly List<OutgoingEvent> _failed = [];
    private int _unconfirmed;
    private long _unconfirmedBytes;
    private IEventProducer? _producer;
    private int _producerNumber;
    private long _retryAt;
    private bool _isRenewing;
    private long _renewalCheckedAt;

    // What went wrong last, until an event arrives.
    private volatile PublishFailure? _trouble;

    // What the producer told. Its threads write, too.
    private readonly LatestFailure _failures;

    // The producer that failed for good last. Written by its threads.
    private volatile FailedProducer? _failedProducer;

    /// <summary>Prepares the publication. The spool is reported from now on.</summary>
    public ClickPublisher(ClickSpool spool, IEventProducerFactory producers, ClickOptions options, TimeProvider time, ILogger<ClickPublisher> logger)
    {
        (_spool, _producers, _time, _logger) = (spool, producers, time, logger);
        _failures = new LatestFailure(time);
        ClickEventMetrics.Observe(spool, options.SpoolBytes);
    }

    /// <summary>What becomes of events, for those who look from outside: one of <see cref="EventStates"/>, or a <see cref="FailureKind"/>.</summary>
    public string State =>
        _trouble is { } trouble ? trouble.Kind.ToString().ToLowerInvariant()
        : _spool.IsUnwritable ? EventStates.Unwritable
        : EventStates.Delivered;

    /// <summary>Says that the spool has more events.</summary>
    public void Wake() => _wake.Writer.TryWrite(true);

    /// <inheritdoc />
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var timer = _time.CreateTimer(_ => giveUp.Cancel(), null, StopPatience, Timeout.InfiniteTimeSpan);
        try
        {
            do Turn();
            // Kafka that did not take events until now will hardly do so within seconds.
            while (_spool.Records > 0 && _trouble is null && await _wake.Reader.WaitToReadAsync(giveUp.Token) && _wake.Reader.TryRead(out _));
        }
        catch (OperationCanceledException) when (giveUp.IsCancellationRequested)
        {
            // What is left is in the spool.
        }

        _producer?.Dispose();
        _producer = null;
        if (_spool.Records > 0)
            PublisherLog.LeftInSpool(_logger, _spool.Records);
    }

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        // A thread of its own, which gives way to redirects. The client's threads are made in it and have the same weight.
        Task.Factory.StartNew(() => Run(stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken stopping)
    {
        BackgroundThread.GiveWay();
        using var timer = _time.CreateTimer(_ => Wake(), null, TimeSpan.Zero, RetryDelay);
        try
        {
            // Blocks, and may: an await would go on in a thread of the pool, which has the weight of redirects.
            while (_wake.Reader.WaitToReadAsync(stopping).AsTask().GetAwaiter().GetResult())
            {
                _wake.Reader.TryRead(out _);
                Turn();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // A stop; what is left is sent by it.
        }
    }

    private void Turn()
    {
        try
        {
            var hasDelivered = TakeReports();
            ReleaseDelivered();
            Judge(hasDelivered);
            EndOutdatedProducer();
            ReplaceFailedProducer();
            SendAgain();
            SendNew();
        }
        // The disk under the spool cannot be read, or no client can be made. Nothing is released; the next turn tries again.
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or DependencyException)
        {
            Trouble(new PublishFailure(error is DependencyException ? FailureKind.Settings : FailureKind.Spool, error.Message));
        }
    }

    /// <returns>Whether an event has arrived.</returns>
    private bool TakeReports()
    {
        var hasDelivered = false;
        while (_reports.TryDequeue(out var report))
        {
            var (sent, producer, delivery) = report;
            if (sent.IsConfirmed)
                continue;
            if (delivery.IsConfirmed)
            {
                _unconfirmed--;
                _unconfirmedBytes -= sent.ApproximateBytes;
                _events.Confirm(sent);
                hasDelivered = true;
            }
            // One of a producer that was replaced is sent again in any case.
            else if (producer == sent.Producer)
            {
                _failed.Add(sent);
                _failures.Tell(delivery.Failure!);
                Trouble(delivery.Failure!);
            }
        }

        return hasDelivered;
    }

    private void ReleaseDelivered()
    {
        var count = 0;
        var position = default(SpoolPosition);
        while (_outgoing.TryPeek(out var oldest) && oldest.IsConfirmed)
        {
            _outgoing.Dequeue();
            position = oldest.Position;
            _events.Release(oldest);
            count++;
        }

        if (count == 0)
            return;
        ClickEventMetrics.Published.Inc(count);
        _spool.Release(count, position);
    }

    private void Judge(bool hasDelivered)
    {
        // The client goes on by itself while no server answers, and reports nothing. The oldest one also tells whether all that waited for long has arrived.
        var isStalled = _outgoing.TryPeek(out var oldest) && _time.GetElapsedTime(oldest.SentAt) >= Patience;
        if (isStalled && _failed.Count == 0)
            Tell(_failures.Value ?? new PublishFailure(FailureKind.Unconfirmed, "no delivery was confirmed for a while"));
        else if (!isStalled && hasDelivered && _failed.Count == 0)
            Recover();
    }

    // What is on its way arrives by the outdated one first, unless that does not work.
    private void EndOutdatedProducer()
    {
        if (_producer is null)
            return;
        if (!_isRenewing && _time.GetElapsedTime(_renewalCheckedAt) >= RenewalInterval)
        {
            _renewalCheckedAt = _time.GetTimestamp();
            _isRenewing = _producer.IsOutdated();
        }

        if (!_isRenewing || (_unconfirmed > 0 && _trouble is null))
            return;
        PublisherLog.Renewing(_logger);
        _producer.Dispose();
        _producer = null;
        _retryAt = _time.GetTimestamp();
    }

    private void ReplaceFailedProducer()
    {
        if (_producer is not null && _failedProducer is { } failed && failed.Number == _producerNumber)
        {
            ClickEventMetrics.CountFailedProducer();
            PublisherLog.ProducerFailed(_logger, failed.Reason);
            Trouble(new PublishFailure(FailureKind.Refused, failed.Reason));
            _producer.Dispose();
            _producer = null;
            // Not in a busy loop with one that fails at once.
            return;
        }

        if (_producer is not null || !IsRetryDue())
            return;
        var number = ++_producerNumber;
        _producer = _producers.Create(
            new ProducerCallbacks(
                (sent, delivery) =>
                {
                    _reports.Enqueue((sent, number, delivery));
                    Wake();
                },
                _failures.Tell,
                reason =>
                {
                    _failedProducer = new FailedProducer(number, reason);
                    Wake();
                }
            )
        );
        (_isRenewing, _renewalCheckedAt) = (false, _time.GetTimestamp());
        _failures.Forget();
        _failed.Clear();
        // In the order of the spool. Those that had arrived without a report arrive twice, with the same id.
        foreach (var sent in _outgoing.Where(sent => !sent.IsConfirmed))
            Send(sent);
    }

    private void SendAgain()
    {
        if (_failed.Count == 0 || _producer is null || !IsRetryDue())
            return;
        var failed = _failed.ToArray();
        _failed.Clear();
        foreach (var sent in failed)
            Send(sent);
    }

    private void SendNew()
    {
        // While some fail, more would only fail too.
        while (
            _producer is not null
            && !_isRenewing
            && _failed.Count == 0
            && _unconfirmed < MaxOutgoing
            && _unconfirmedBytes < MaxOutgoingBytes
            && _outgoing.Count < MaxAhead
        )
        {
            if (!_spool.TryRead(out var next))
                return;
            // As in the writer: redirects that wait for this core come first.
            if (_outgoing.Count % EventsPerYield == 0)
                Thread.Yield();
            var sent = _events.Make(next);
            _outgoing.Enqueue(sent);
            _unconfirmed++;
            _unconfirmedBytes += sent.ApproximateBytes;
            Send(sent);
        }
    }

    private void Send(OutgoingEvent sent)
    {
        sent.Sent(_producerNumber, _time.GetTimestamp());
        _producer!.Send(sent);
    }

    private bool IsRetryDue() => _trouble is null || _time.GetTimestamp() >= _retryAt;

    private void Trouble(PublishFailure failure)
    {
        _retryAt = _time.GetTimestamp() + (long)(RetryDelay.TotalSeconds * _time.TimestampFrequency);
        Tell(failure);
    }

    private void Tell(PublishFailure failure)
    {
        if (_trouble?.Kind != failure.Kind)
        {
            PublisherLog.Failing(_logger, failure.Text);
            ClickEventMetrics.SetFailing(failure.Kind);
        }

        _trouble = failure;
    }

    private void Recover()
    {
        _failures.Forget();
        if (_trouble is null)
            return;
        _trouble = null;
        ClickEventMetrics.SetFailing(null);
        PublisherLog.Recovered(_logger);
    }

    private sealed record FailedProducer(int Number, string Reason);
}
