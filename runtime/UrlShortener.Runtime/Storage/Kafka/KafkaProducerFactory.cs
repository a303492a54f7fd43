using Confluent.Kafka;
using UrlShortener.Runtime.Clicks.Publishing;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>Makes producers of the configured Kafka.</summary>
internal sealed class KafkaProducerFactory(KafkaConnection connection, ClickOptions options, ILogger<KafkaProducerFactory> logger) : IEventProducerFactory
{
    /// <inheritdoc />
    public IEventProducer Create(ProducerCallbacks callbacks)
    {
        try
        {
            var access = connection.Read();
            return new KafkaProducer(BuildConfig(access), options.Topic, callbacks, () => connection.IsOutdated(access, logger), logger);
        }
        catch (Exception error) when (error is KafkaException or InvalidOperationException)
        {
            throw new DependencyException($"No Kafka client can be made: {error.Message}", error);
        }
    }

    /// <summary>Settings of the client.</summary>
    internal static ProducerConfig BuildConfig(KafkaAccess access)
    {
        var config = new ProducerConfig
        {
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
            // A topic that is missing is told within seconds; the usual limit is 30 s.
            TopicMetadataPropagationMaxMs = 5_000,
            // Whether it has arrived says the error.
            DeliveryReportFields = "none",
        };
        access.ApplyTo(config);
        return config;
    }
}
