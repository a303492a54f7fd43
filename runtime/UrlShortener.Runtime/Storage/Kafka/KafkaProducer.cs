using System.Collections.Concurrent;
using Confluent.Kafka;
using UrlShortener.Runtime.Clicks.Publishing;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>Sends click events to a topic by librdkafka, which batches, compresses and tries again.</summary>
internal sealed class KafkaProducer : IEventProducer
{
    private readonly IProducer<byte[], byte[]> _producer;
    private readonly TopicPartition _anyPartition;
    private readonly Action<OutgoingEvent, Delivery> _onReport;
    private readonly Func<bool> _isOutdated;

    // What a send needs, used again: the sending thread's, but for the shipments that wait, to which the client's thread gives back what it reported.
    private readonly ExactArrays _keys = new();
    private readonly ExactArrays _values = new();
    private readonly Message<byte[], byte[]> _message = new() { Headers = [] };
    private readonly ConcurrentQueue<Shipment> _spare = [];

    /// <summary>Begins to connect.</summary>
    /// <param name="config">Settings of the client.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="callbacks">What it tells.</param>
    /// <param name="isOutdated">Whether another one would connect differently.</param>
    /// <param name="logger">Receives what the client logs.</param>
    public KafkaProducer(ProducerConfig config, string topic, ProducerCallbacks callbacks, Func<bool> isOutdated, ILogger logger)
    {
        (_anyPartition, _onReport, _isOutdated) = (new TopicPartition(topic, Partition.Any), callbacks.OnReport, isOutdated);
        _producer = new ProducerBuilder<byte[], byte[]>(config)
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
        if (!_spare.TryDequeue(out var shipment))
            shipment = new Shipment(this);
        shipment.Event = outgoing;
        try
        {
            // Copied before it returns.
            _message.Key = _keys.Hold(outgoing.Key);
            _message.Value = _values.Hold(outgoing.Value);
            _producer.Produce(_anyPartition, _message, shipment.OnReport);
        }
        // Its queue is full, the topic is unknown, or it has failed for good: there is no report then.
        catch (KafkaException error)
        {
            Report(shipment, error.Error);
        }
    }

    /// <inheritdoc />
    public bool IsOutdated() => _isOutdated();

    /// <inheritdoc />
    public void Dispose() => _producer.Dispose();

    private void Report(Shipment shipment, Error error)
    {
        var reported = shipment.Event!;
        shipment.Event = null;
        _spare.Enqueue(shipment);
        _onReport(reported, Read(error));
    }

    // Whatever a broker has against an event, it has against a whole batch, and most likely against all of them: the topic's settings can be mended, and a lost
    // event cannot. So none is given up.
    private static Delivery Read(Error error) => new(error.Code == ErrorCode.NoError ? null : KafkaFailure.Read(error));

    // An event that the client has, with the delegate for its report: a new one for each event would outlive the youngest generation.
    private sealed class Shipment
    {
        public Shipment(KafkaProducer producer) => OnReport = report => producer.Report(this, report.Error);

        public OutgoingEvent? Event { get; set; }

        public Action<DeliveryReport<byte[], byte[]>> OnReport { get; }
    }
}
