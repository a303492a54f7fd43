using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Clicks.Publishing;
using UrlShortener.Runtime.Clicks.Spool;
using UrlShortener.Runtime.Storage.Kafka;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Kafka;

/// <summary>The client against its own mock of a broker, which is in this process.</summary>
public sealed class KafkaProducerTests
{
    private readonly ConcurrentQueue<Delivery> _reports = [];
    private readonly ConcurrentQueue<string> _fatal = [];

    [Fact]
    public async Task Send_BrokerAnswers_ReportsDelivery()
    {
        using var producer = NewProducer("clicks");

        producer.Send(NewEvent(100));

        await Eventually.HoldsAsync(() => _reports.Count == 1);
        Assert.Equal(new Delivery(null), Assert.Single(_reports));
    }

    [Fact]
    public async Task Send_ManyEventsOfTheSameLengths_EachArrivesAsItIs()
    {
        using var producer = NewProducer("clicks");
        (string Key, string Value)[] events =
        [
            .. Enumerable.Range(0, 500).Select(i => ($"code{i % 7}", $"{i:D4}{new string('x', ExactArrays.Longest * (i % 3))}")),
        ];

        foreach (var (key, value) in events)
            producer.Send(NewEvent(Encoding.ASCII.GetBytes(key), Encoding.ASCII.GetBytes(value)));

        await Eventually.HoldsAsync(() => _reports.Count == events.Length);
        Assert.All(_reports, report => Assert.True(report.IsConfirmed));
        Assert.Equal(events.Order(), ReadAll(producer, events.Length).Order());
    }

    [Fact]
    public void Send_ClientDoesNotTakeTheEvent_ReportsFailure()
    {
        using var producer = NewProducer("clicks");

        producer.Send(NewEvent(2_000_000));

        Assert.False(Assert.Single(_reports).IsConfirmed);
    }

    [Fact]
    public async Task Send_ProducerHasFailedForGood_SaysSoAndReportsFailure()
    {
        using var producer = NewProducer("clicks");

        // OUT_OF_ORDER_SEQUENCE_NUMBER, as a broker that lost data answers.
        Assert.Equal(0, RaiseFatalError(HandleOf(producer), 45));
        await Eventually.HoldsAsync(() => !_fatal.IsEmpty);
        producer.Send(NewEvent(100));

        await Eventually.HoldsAsync(() => !_reports.IsEmpty);
        Assert.False(Assert.Single(_reports).IsConfirmed);
        Assert.Contains("a test", Assert.Single(_fatal), StringComparison.Ordinal);
    }

    [Fact]
    public void BuildConfig_AnyServers_LosesNothingAndSendsNothingTwice()
    {
        var config = KafkaProducerFactory.BuildConfig(new KafkaAccess { Servers = "a:9092,b:9092" });

        Assert.Equal("a:9092,b:9092", config.BootstrapServers);
        Assert.Equal((true, Acks.All, 0), (config.EnableIdempotence, config.Acks, config.MessageTimeoutMs));
        Assert.Equal((CompressionType.Lz4, Confluent.Kafka.Partitioner.Murmur2Random), (config.CompressionType, config.Partitioner));
    }

    // The client has no public way to it.
    private static IntPtr HandleOf(KafkaProducer producer) =>
        (
            (SafeHandle)typeof(Handle).GetProperty("LibrdkafkaHandle", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(producer.Handle)!
        ).DangerousGetHandle();

    private static OutgoingEvent NewEvent(int bytes) => NewEvent("spring"u8, new byte[bytes]);

    private static OutgoingEvent NewEvent(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        new OutgoingEvents(most: 0).Make(new SpooledEvent(key, value, default));

    private static List<(string Key, string Value)> ReadAll(KafkaProducer producer, int count)
    {
        using var admin = new DependentAdminClientBuilder(producer.Handle).Build();
        var metadata = admin.GetMetadata("clicks", TimeSpan.FromMinutes(1));
        var broker = metadata.Brokers[0];
        var config = new ConsumerConfig
        {
            BootstrapServers = $"{broker.Host}:{broker.Port}",
            GroupId = "test",
            EnableAutoCommit = false,
        };
        using var consumer = new ConsumerBuilder<string, string>(config).Build();
        // Without a group: the mock lets its first member wait.
        consumer.Assign(metadata.Topics[0].Partitions.Select(partition => new TopicPartitionOffset("clicks", partition.PartitionId, Offset.Beginning)));
        List<(string, string)> read = [];
        while (read.Count < count)
        {
            var result = consumer.Consume(TimeSpan.FromMinutes(1)) ?? throw new InvalidOperationException($"Only {read.Count} of {count} events arrived.");
            read.Add((result.Message.Key, result.Message.Value));
        }

        consumer.Close();
        return read;
    }

    private KafkaProducer NewProducer(string topic)
    {
        var config = KafkaProducerFactory.BuildConfig(new KafkaAccess { Servers = "" });
        // The mock makes a topic when it is asked for it.
        config.AllowAutoCreateTopics = true;
        config.Set("test.mock.num.brokers", "1");
        var callbacks = new ProducerCallbacks((_, delivery) => _reports.Enqueue(delivery), _ => { }, _fatal.Enqueue);
        return new KafkaProducer(config, topic, callbacks, () => false, NullLogger.Instance);
    }

    private static unsafe int RaiseFatalError(IntPtr client, int code)
    {
        // The client chooses the library that fits the system.
        using var process = Process.GetCurrentProcess();
        var library = process.Modules.Cast<ProcessModule>().First(module => module.FileName.Contains("librdkafka", StringComparison.Ordinal)).FileName;
        var raise = (delegate* unmanaged<IntPtr, int, byte*, int>)NativeLibrary.GetExport(NativeLibrary.Load(library), "rd_kafka_test_fatal_error");
        fixed (byte* reason = "a test\0"u8)
            return raise(client, code, reason);
    }
}
