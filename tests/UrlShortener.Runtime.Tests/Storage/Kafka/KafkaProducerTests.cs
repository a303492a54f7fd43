using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
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

    private static OutgoingEvent NewEvent(int bytes) => new(new SpooledEvent("spring", new byte[bytes], default));

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
