using Confluent.Kafka;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>Makes consumers of the configured Kafka.</summary>
internal sealed class KafkaEventConsumerFactory(KafkaConnection connection, ClickOptions options, TimeProvider time, ILogger<KafkaEventConsumerFactory> logger)
    : IEventConsumerFactory
{
    /// <inheritdoc />
    public IEventConsumer Create(IPartitionOwner owner)
    {
        try
        {
            var access = connection.Read();
            return new KafkaEventConsumer(BuildConfig(access, options), options.Topic, owner, () => connection.IsOutdated(access, logger), time, logger);
        }
        catch (Exception error) when (error is KafkaException or InvalidOperationException)
        {
            throw new DependencyException($"No Kafka client can be made: {error.Message}", error);
        }
    }

    /// <summary>Settings of the client.</summary>
    /// <param name="access">How to connect.</param>
    /// <param name="options">The group, and how long its members may be silent.</param>
    internal static ConsumerConfig BuildConfig(KafkaAccess access, ClickOptions options)
    {
        var config = new ConsumerConfig
        {
            ClientId = "urlshortener",
            GroupId = options.LoadGroup,
            PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky,
            // The store knows where to begin. What Kafka is told is for its tools.
            EnableAutoCommit = true,
            EnableAutoOffsetStore = false,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            IsolationLevel = IsolationLevel.ReadCommitted,
            // Memory of what the client receives ahead.
            QueuedMaxMessagesKbytes = 16_384,
            // When that is full, the client asks for more only after a while: 1 s out of the box, in which the loader has read all of it.
            FetchQueueBackoffMs = 20,
            SessionTimeoutMs = (int)options.LoadSessionTimeout.TotalMilliseconds,
            HeartbeatIntervalMs = (int)options.LoadSessionTimeout.TotalMilliseconds / 5,
            ReconnectBackoffMaxMs = 2_000,
            // When partitions are added, events come into them at once.
            TopicMetadataRefreshIntervalMs = 30_000,
            AllowAutoCreateTopics = false,
            ConsumeResultFields = "none",
        };
        access.ApplyTo(config);
        return config;
    }
}
