using Confluent.Kafka;
using UrlShortener.Runtime.Clicks.Publishing;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>Makes producers of the configured Kafka.</summary>
internal sealed class KafkaProducerFactory(ConnectionOptions connections, ClickOptions options, ILogger<KafkaProducerFactory> logger) : IEventProducerFactory
{
    /// <inheritdoc />
    public IEventProducer Create(Action<OutgoingEvent, Delivery> onReport, Action<string> onFatal)
    {
        try
        {
            return new KafkaProducer(BuildConfig(connections.Kafka!), options.Topic, onReport, onFatal, logger);
        }
        catch (Exception error) when (error is KafkaException or InvalidOperationException)
        {
            throw new DependencyException($"No Kafka client can be made: {error.Message}", error);
        }
    }

    /// <summary>Settings of the client.</summary>
    /// <param name="servers">Servers to begin with.</param>
    internal static ProducerConfig BuildConfig(string servers) =>
        new()
        {
            BootstrapServers = servers,
            ClientId = "urlshortener",
            EnableIdempotence = true,
            Acks = Acks.All,
            CompressionType = CompressionType.Lz4,
            // The same partition for a code as by Java's clients.
            Partitioner = Partitioner.Murmur2Random,
            LingerMs = 20,
            // The client goes on until the servers answer. Otherwise it would report failures of events that may have arrived, and they would be sent twice.
            MessageTimeoutMs = 0,
            QueueBufferingMaxMessages = 2 * ClickPublisher.MaxOutgoing,
            // A server that comes back is found soon; the usual limit is 10 s.
            ReconnectBackoffMaxMs = 2_000,
            AllowAutoCreateTopics = false,
            DeliveryReportFields = "status",
        };
}
