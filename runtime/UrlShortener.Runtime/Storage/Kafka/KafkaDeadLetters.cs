using System.Globalization;
using System.Text;
using Confluent.Kafka;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>Sends records that cannot be loaded to the topic of dead letters. The client is made for the first one.</summary>
internal sealed class KafkaDeadLetters(KafkaConnection connection, ClickOptions options, ILogger<KafkaDeadLetters> logger) : IDeadLetters, IDisposable
{
    /// <summary>What follows the name of the topic.</summary>
    public const string Suffix = ".dead-letters";

    // A record may be as large as a broker takes; with its headers it would be larger.
    private const int MaxValueBytes = 900_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly Lock _making = new();
    private IProducer<Null, byte[]>? _producer;

    /// <inheritdoc />
    public async Task SendAsync(EventBatch batch, IReadOnlyList<IncomingEvent> rejected, CancellationToken cancellationToken)
    {
        try
        {
            var producer = GetProducer();
            await Task.WhenAll(rejected.Select(record => producer.ProduceAsync(options.Topic + Suffix, ToLetter(batch, record), cancellationToken)));
        }
        catch (Exception error) when (error is KafkaException or InvalidOperationException)
        {
            // Letters are rare: the next one gets a client that connects as the files say then.
            Forget();
            throw new DependencyException($"The topic {options.Topic}{Suffix} does not take records: {error.Message}", error);
        }
    }

    /// <inheritdoc />
    public void Dispose() => Forget();

    private Message<Null, byte[]> ToLetter(EventBatch batch, in IncomingEvent record)
    {
        var value = record.Rejected!.Value;
        var headers = new Headers
        {
            { "reason", Encoding.UTF8.GetBytes(record.Rejected.Reason) },
            { "topic", Encoding.UTF8.GetBytes(options.Topic) },
            { "topic_id", Encoding.UTF8.GetBytes(batch.Topic.ToString()) },
            { "partition", Encoding.UTF8.GetBytes(batch.Partition.ToString(CultureInfo.InvariantCulture)) },
            { "offset", Encoding.UTF8.GetBytes(record.Offset.ToString(CultureInfo.InvariantCulture)) },
        };
        if (value.Length > MaxValueBytes)
            headers.Add("cut_from_bytes", Encoding.UTF8.GetBytes(value.Length.ToString(CultureInfo.InvariantCulture)));
        return new Message<Null, byte[]> { Value = value.Length > MaxValueBytes ? value[..MaxValueBytes] : value, Headers = headers };
    }

    private IProducer<Null, byte[]> GetProducer()
    {
        lock (_making)
            return _producer ??= NewProducer();
    }

    private IProducer<Null, byte[]> NewProducer()
    {
        var config = new ProducerConfig
        {
            ClientId = "urlshortener",
            EnableIdempotence = true,
            Acks = Acks.All,
            CompressionType = CompressionType.Lz4,
            MessageTimeoutMs = (int)Limit.TotalMilliseconds,
            ReconnectBackoffMaxMs = 2_000,
            AllowAutoCreateTopics = false,
        };
        connection.Read().ApplyTo(config);
        return new ProducerBuilder<Null, byte[]>(config)
            .SetLogHandler((_, message) => KafkaLog.Client(logger, message.Facility, message.Message))
            .SetErrorHandler((_, error) => KafkaLog.Trouble(logger, error.Reason))
            .Build();
    }

    private void Forget()
    {
        lock (_making)
        {
            _producer?.Dispose();
            _producer = null;
        }
    }
}
