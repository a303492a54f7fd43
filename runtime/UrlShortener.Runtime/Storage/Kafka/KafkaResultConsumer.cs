using Confluent.Kafka;
using UrlShortener.Runtime.Clicks.Results;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>Receives results of the Flink job by librdkafka, only what is committed.</summary>
internal sealed class KafkaResultConsumer : IResultConsumer
{
    private static readonly TimeSpan AccessAge = TimeSpan.FromSeconds(10);

    private readonly IConsumer<Ignore, byte[]> _consumer;
    private readonly Dictionary<string, ResultKind> _kinds;
    private readonly Dictionary<TopicPartition, Offset> _received = [];
    private readonly Func<bool> _isOutdated;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private long _accessReadAt;
    private volatile string? _failure;

    /// <summary>Joins the group.</summary>
    /// <param name="config">Settings of the client.</param>
    /// <param name="topic">The topic of click events, whose name those of the results begin with.</param>
    /// <param name="isOutdated">Whether another one would connect differently.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Receives what the client logs.</param>
    public KafkaResultConsumer(ConsumerConfig config, string topic, Func<bool> isOutdated, TimeProvider time, ILogger logger)
    {
        (_isOutdated, _time, _logger) = (isOutdated, time, logger);
        _accessReadAt = time.GetTimestamp();
        _kinds = Enum.GetValues<ResultKind>().ToDictionary(kind => $"{topic}.{kind.ToString().ToLowerInvariant()}", StringComparer.Ordinal);
        _consumer = new ConsumerBuilder<Ignore, byte[]>(config)
            .SetLogHandler((_, message) => KafkaLog.Client(logger, message.Facility, message.Message))
            .SetErrorHandler((_, error) => NoteError(error))
            .Build();
        _consumer.Subscribe(_kinds.Keys);
    }

    /// <inheritdoc />
    public string? Failure => _failure;

    /// <inheritdoc />
    public bool TryReceive(TimeSpan wait, out ReceivedResult result)
    {
        result = default;
        if (_time.GetElapsedTime(_accessReadAt) >= AccessAge)
        {
            _accessReadAt = _time.GetTimestamp();
            if (_isOutdated())
                _failure = "its settings have changed";
        }

        try
        {
            if (_consumer.Consume(wait) is not { IsPartitionEOF: false } record)
                return false;
            var kind = _kinds[record.Topic];
            _received[record.TopicPartition] = record.Offset + 1;
            result = new ReceivedResult(kind, ResultReader.Read(kind, record.Message.Value));
            return true;
        }
        // That a topic is not there yet, for example. What is for good is told to the handler of errors too.
        catch (ConsumeException error)
        {
            NoteError(error.Error);
            return false;
        }
    }

    /// <inheritdoc />
    public void NoteStored()
    {
        foreach (var (place, next) in _received)
        {
            try
            {
                _consumer.StoreOffset(new TopicPartitionOffset(place, next));
            }
            // The partition has gone to another process, which receives these records again.
            catch (KafkaException error)
            {
                KafkaLog.Trouble(_logger, error.Error.Reason);
            }
        }

        _received.Clear();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        try
        {
            // Commits what is stored, and gives the partitions back.
            _consumer.Close();
        }
        catch (KafkaException error)
        {
            KafkaLog.Trouble(_logger, error.Error.Reason);
        }

        _consumer.Dispose();
    }

    private void NoteError(Error error)
    {
        KafkaLog.Trouble(_logger, error.Reason);
        if (error.IsFatal)
            _failure = error.Reason;
    }
}

/// <summary>Makes consumers of results of the configured Kafka.</summary>
internal sealed class KafkaResultConsumerFactory(
    KafkaConnection connection,
    ClickOptions options,
    TimeProvider time,
    ILogger<KafkaResultConsumerFactory> logger
) : IResultConsumerFactory
{
    /// <inheritdoc />
    public IResultConsumer Create()
    {
        try
        {
            var access = connection.Read();
            var config = KafkaEventConsumerFactory.BuildConfig(access, options);
            config.GroupId += "-results";
            config.ConsumeResultFields = "topic";
            return new KafkaResultConsumer(config, options.Topic, () => connection.IsOutdated(access, logger), time, logger);
        }
        catch (Exception error) when (error is KafkaException or InvalidOperationException)
        {
            throw new DependencyException($"No Kafka client can be made: {error.Message}", error);
        }
    }
}
