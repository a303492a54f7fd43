using System.Globalization;
using System.Text;
using Confluent.Kafka;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>
/// Sends records that cannot be loaded to the topic of dead letters. Letters are rare, so every batch has a client of its own, which connects as the files say
/// then. Deliveries of a client that is disposed of never end, so none is shared.
/// </summary>
internal sealed class KafkaDeadLetters(KafkaConnection connection, ClickOptions options, ILogger<KafkaDeadLetters> logger) : IDeadLetters
{
    /// <summary>What follows the name of the topic.</summary>
    public const string Suffix = ".dead-letters";

    // A record may be as large as a broker takes; with its headers it would be larger.
    private const int MaxValueBytes = 900_000;

    // The client's queue takes 100,000 records and 1 GiB. Of the largest ones, these are 450 MB.
    private const int LettersAtOnce = 500;

    // What the client needs to report that its time is over.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    /// <summary>Time for some letters to arrive; 10 s.</summary>
    internal TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How the client differs from that of a production system, for tests.</summary>
    internal Action<ProducerConfig> Adapt { get; init; } = _ => { };

    /// <inheritdoc />
    public async Task SendAsync(EventBatch batch, IReadOnlyList<IncomingEvent> rejected, CancellationToken cancellationToken)
    {
        try
        {
            using var producer = NewProducer();
            foreach (var portion in rejected.Chunk(LettersAtOnce))
            {
                await Task.WhenAll(portion.Select(record => producer.ProduceAsync(options.Topic + Suffix, ToLetter(batch, record), cancellationToken)))
                    .WaitAsync(Limit + Margin, cancellationToken);
            }
        }
        catch (Exception error) when (error is KafkaException or InvalidOperationException or TimeoutException)
        {
            throw new DependencyException($"The topic {options.Topic}{Suffix} does not take records: {error.Message}", error);
        }
    }

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
        Adapt(config);
        return new ProducerBuilder<Null, byte[]>(config)
            .SetLogHandler((_, message) => KafkaLog.Client(logger, message.Facility, message.Message))
            .SetErrorHandler((_, error) => KafkaLog.Trouble(logger, error.Reason))
            .Build();
    }
}
