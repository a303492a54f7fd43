using Confluent.Kafka;
using UrlShortener.Runtime.Clicks.Publishing;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>Sends click events to a topic by librdkafka, which batches, compresses and tries again.</summary>
internal sealed class KafkaProducer : IEventProducer
{
    private readonly IProducer<string, byte[]> _producer;
    private readonly string _topic;
    private readonly Action<OutgoingEvent, Delivery> _onReport;
    private readonly Func<bool> _isOutdated;

    /// <summary>Begins to connect.</summary>
    /// <param name="config">Settings of the client.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="callbacks">What it tells.</param>
    /// <param name="isOutdated">Whether another one would connect differently.</param>
    /// <param name="logger">Receives what the client logs.</param>
    public KafkaProducer(ProducerConfig config, string topic, ProducerCallbacks callbacks, Func<bool> isOutdated, ILogger logger)
    {
        (_topic, _onReport, _isOutdated) = (topic, callbacks.OnReport, isOutdated);
        _producer = new ProducerBuilder<string, byte[]>(config)
            .SetLogHandler((_, message) => KafkaLog.Client(logger, message.Facility, message.Message))
            .SetErrorHandler(
                (_, error) =>
                {
                    KafkaLog.Trouble(logger, error.Reason);
                    if (error.IsFatal)
                        callbacks.OnFatal(error.Reason);
                    else
                        callbacks.OnFailure(KafkaFailure.Read(error));
                }
            )
            .Build();
    }

    /// <summary>The client's own handle, for tests of its faults.</summary>
    internal Handle Handle => _producer.Handle;

    /// <inheritdoc />
    public void Send(OutgoingEvent outgoing)
    {
        try
        {
            _producer.Produce(
                _topic,
                new Message<string, byte[]> { Key = outgoing.Key, Value = outgoing.Value },
                report => _onReport(outgoing, Read(report.Error))
            );
        }
        // Its queue is full, the topic is unknown, or it has failed for good: there is no report then.
        catch (KafkaException error)
        {
            _onReport(outgoing, Read(error.Error));
        }
    }

    /// <inheritdoc />
    public bool IsOutdated() => _isOutdated();

    /// <inheritdoc />
    public void Dispose() => _producer.Dispose();

    // Whatever a broker has against an event, it has against a whole batch, and most likely against all of them: the topic's settings can be mended, and a lost
    // event cannot. So none is given up.
    private static Delivery Read(Error error) => new(error.Code == ErrorCode.NoError ? null : KafkaFailure.Read(error));
}
