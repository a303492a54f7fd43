using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Kafka;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Kafka;

public sealed class KafkaDeadLettersTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Send_OtherBatchFailsMeanwhile_EndsWithItsOwnFailure()
    {
        var letters = New("127.0.0.1:1", TimeSpan.FromSeconds(1));

        var waiting = letters.SendAsync(Batch, [NewRejected("malformed")], Token);
        // Refused by the client at once: no broker takes as much.
        var large = NewRejected(new string('x', 1_000_000));
        await Assert.ThrowsAsync<DependencyException>(() => letters.SendAsync(Batch, [large], Token));

        var error = await Assert.ThrowsAsync<DependencyException>(() => waiting.WaitAsync(TimeSpan.FromMinutes(2), Token));
        Assert.Contains("click-events.dead-letters", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Send_MoreThanTheQueueOfTheClientTakes_SendsAll()
    {
        var letters = New("", TimeSpan.FromMinutes(2), queue: 1_000);

        await letters.SendAsync(Batch, [.. Enumerable.Range(0, 2_500).Select(_ => NewRejected("malformed"))], Token);
    }

    private static EventBatch Batch { get; } = new(Guid.NewGuid(), 0, 0, 1, []);

    private static IncomingEvent NewRejected(string reason) => new(0, default, default, new RejectedRecord(reason, [1, 2, 3]));

    private static KafkaDeadLetters New(string servers, TimeSpan limit, int? queue = null) =>
        new(
            new KafkaConnection(new ConnectionOptions { Kafka = servers }, new KafkaOptions()),
            new ClickOptions { Topic = "click-events" },
            NullLogger<KafkaDeadLetters>.Instance
        )
        {
            Limit = limit,
            Adapt = config =>
            {
                if (queue is null)
                    return;
                config.QueueBufferingMaxMessages = queue;
                // The client's own mock of a broker, which makes a topic when it is asked for it.
                config.AllowAutoCreateTopics = true;
                config.Set("test.mock.num.brokers", "1");
            },
        };
}
