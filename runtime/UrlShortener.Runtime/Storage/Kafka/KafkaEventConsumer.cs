using Confluent.Kafka;
using Confluent.Kafka.Admin;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Events;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>Receives click events by librdkafka. Partitions move one by one when processes come and go; the others go on.</summary>
internal sealed class KafkaEventConsumer : IEventConsumer
{
    private const int MaxQuestions = 4;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan TopicAge = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AccessAge = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ErrorAge = TimeSpan.FromSeconds(30);

    private readonly IConsumer<Ignore, Reading> _consumer;
    private readonly IAdminClient _admin;
    private readonly string _topic;
    private readonly Func<bool> _isOutdated;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _reading = new(1);
    private readonly SemaphoreSlim _asking = new(MaxQuestions);
    private volatile string? _failure;
    private (Guid Id, long ReadAt)? _topicId;
    private volatile LastError? _lastError;
    private long _accessReadAt;

    /// <summary>Joins the group.</summary>
    /// <param name="config">Settings of the client.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="owner">Is told of partitions.</param>
    /// <param name="isOutdated">Whether another one would connect differently.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Receives what the client logs.</param>
    public KafkaEventConsumer(ConsumerConfig config, string topic, IPartitionOwner owner, Func<bool> isOutdated, TimeProvider time, ILogger logger)
    {
        (_topic, _isOutdated, _time, _logger) = (topic, isOutdated, time, logger);
        _accessReadAt = time.GetTimestamp();
        _consumer = new ConsumerBuilder<Ignore, Reading>(config)
            .SetValueDeserializer(new EventDeserializer())
            .SetLogHandler((_, message) => KafkaLog.Client(logger, message.Facility, message.Message))
            .SetErrorHandler((_, error) => NoteError(error))
            .SetPartitionsAssignedHandler((_, gained) => owner.Gain(gained.Select(place => place.Partition.Value)))
            .SetPartitionsRevokedHandler((_, released) => owner.Release(released.Select(place => place.Partition.Value)))
            .SetPartitionsLostHandler((_, lost) => owner.Lose(lost.Select(place => place.Partition.Value)))
            .Build();
        _admin = new DependentAdminClientBuilder(_consumer.Handle).Build();
        _consumer.Subscribe(topic);
    }

    /// <inheritdoc />
    public string? Failure => _failure;

    /// <inheritdoc />
    public bool TryReceive(TimeSpan wait, out int partition, out IncomingEvent incoming)
    {
        (partition, incoming) = (0, default);
        // Not for each of many records that are here already.
        if (wait > TimeSpan.Zero)
            FindOutdated();
        try
        {
            if (_consumer.Consume(wait) is not { IsPartitionEOF: false } result)
                return false;
            partition = result.Partition.Value;
            var reading = result.Message.Value;
            incoming = new IncomingEvent(result.Offset.Value, reading.Id, reading.Click, reading.Rejected)
            {
                IsCounted = reading.IsCounted,
                TextBytes = reading.TextBytes,
            };
            return true;
        }
        // That the topic is not there yet, for example. What is for good is told to the handler of errors too.
        catch (ConsumeException error)
        {
            NoteError(error.Error);
            return false;
        }
    }

    /// <inheritdoc />
    public void Pause(int partition) => IfHeld(() => _consumer.Pause([PlaceOf(partition)]));

    /// <inheritdoc />
    public void Resume(int partition) => IfHeld(() => _consumer.Resume([PlaceOf(partition)]));

    /// <inheritdoc />
    public bool Start(int partition, long offset) =>
        IfHeld(() =>
        {
            _consumer.Seek(new TopicPartitionOffset(PlaceOf(partition), offset));
            _consumer.Resume([PlaceOf(partition)]);
        });

    /// <inheritdoc />
    public void Note(int partition, long offset) => IfHeld(() => _consumer.StoreOffset(new TopicPartitionOffset(PlaceOf(partition), offset)));

    /// <inheritdoc />
    public (long Low, long High)? BoundsOf(int partition)
    {
        var bounds = _consumer.GetWatermarkOffsets(PlaceOf(partition));
        return bounds.High == Offset.Unset || bounds.High.Value < 0 ? null : (Math.Max(0, bounds.Low.Value), bounds.High.Value);
    }

    /// <inheritdoc />
    public async Task<(long Low, long High)> ReadBoundsAsync(int partition, CancellationToken cancellationToken)
    {
        // The client blocks the thread of the question.
        await _asking.WaitAsync(cancellationToken);
        try
        {
            var bounds = await Task.Run(() => _consumer.QueryWatermarkOffsets(PlaceOf(partition), Limit), cancellationToken);
            return (bounds.Low.Value, bounds.High.Value);
        }
        catch (KafkaException error)
        {
            throw new DependencyException($"The bounds of partition {partition} cannot be read: {ReasonOf(error)}", error);
        }
        finally
        {
            _asking.Release();
        }
    }

    /// <inheritdoc />
    public async Task<Guid> ReadTopicAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            if (_topicId is { } known && _time.GetElapsedTime(known.ReadAt) < TopicAge)
                return known.Id;
            var described = await _admin
                .DescribeTopicsAsync(TopicCollection.OfTopicNames([_topic]), new DescribeTopicsOptions { RequestTimeout = Limit })
                .WaitAsync(cancellationToken);
            var id = ToGuid(described.TopicDescriptions.Single().TopicId);
            _topicId = (id, _time.GetTimestamp());
            return id;
        }
        catch (KafkaException error)
        {
            throw new DependencyException($"The topic {_topic} cannot be read: {ReasonOf(error)}", error);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        try
        {
            // Gives the partitions back, so that others have them at once.
            _consumer.Close();
        }
        catch (KafkaException error)
        {
            KafkaLog.Trouble(_logger, error.Error.Reason);
        }
        // Also when the owner of the partitions threw, whom the client asks for them: it would go on as a member of the group.
        finally
        {
            // After that: batches that are finished meanwhile ask for the topic by it.
            _admin.Dispose();
            _consumer.Dispose();
            _reading.Dispose();
            _asking.Dispose();
        }
    }

    internal static Guid ToGuid(Uuid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes, id.MostSignificantBits);
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes[8..], id.LeastSignificantBits);
        return new Guid(bytes, bigEndian: true);
    }

    private TopicPartition PlaceOf(int partition) => new(_topic, partition);

    private void FindOutdated()
    {
        if (_time.GetElapsedTime(_accessReadAt) < AccessAge)
            return;
        _accessReadAt = _time.GetTimestamp();
        if (_isOutdated())
            _failure = "its settings have changed";
    }

    private void NoteError(Error error)
    {
        KafkaLog.Trouble(_logger, error.Reason);
        if (error.IsFatal)
            _failure = error.Reason;
        _lastError = new LastError(error.Reason, _time.GetTimestamp());
    }

    // Why a question was not answered is told elsewhere: that the password is wrong, for example.
    private string ReasonOf(KafkaException error) =>
        _lastError is { } last && _time.GetElapsedTime(last.At) < ErrorAge ? $"{error.Error.Reason}; {last.Reason}" : error.Error.Reason;

    // A partition may have gone to another process; its owner is told with the next record.
    private bool IfHeld(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (KafkaException error)
        {
            KafkaLog.Trouble(_logger, error.Error.Reason);
            return false;
        }
    }

    private sealed record LastError(string Reason, long At);

    /// <summary>The value of a record.</summary>
    private readonly record struct Reading(Guid Id, StoredClick Click, bool IsCounted, int TextBytes, RejectedRecord? Rejected);

    // Reads from the client's memory, without a copy. The client calls it in the thread that receives.
    private sealed class EventDeserializer : IDeserializer<Reading>
    {
        private readonly ClickEventReader _reader = new();

        public Reading Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) =>
            _reader.Read(data, out var id, out var click, out var isCounted) is { } reason
                ? new Reading(Guid.Empty, default, false, 0, new RejectedRecord(reason, data.ToArray()))
                : new Reading(id, click, isCounted, _reader.NewTextBytes, null);
    }
}
