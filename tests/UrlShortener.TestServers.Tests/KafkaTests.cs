using System.Globalization;
using System.Text;
using Confluent.Kafka;
using UrlShortener.TestServers.Kafka;
using Xunit;

namespace UrlShortener.TestServers.Tests;

public sealed class KafkaTests : ServerTest
{
    private const string Topic = "clicks";

    [Fact]
    public async Task Node_KilledAndStarted_KeepsWhatItAcknowledged()
    {
        await using var cluster = await OrSkipAsync(() => KafkaCluster.StartAsync(new KafkaClusterOptions(), Token));
        await cluster.CreateTopicAsync(Topic, 2, Token);
        await ProduceAsync(cluster, 100);

        await cluster.Nodes[0].KillAsync(Token);
        Assert.Null(cluster.Nodes[0].ProcessId);
        await cluster.Nodes[0].StartAsync(Token);

        var records = cluster.ReadAll(Topic);
        Assert.Equal(
            Enumerable.Range(0, 100),
            records.Select(record => int.Parse(Encoding.UTF8.GetString(record.Message.Value), CultureInfo.InvariantCulture)).Order()
        );
        Assert.Equal(2, records.Select(record => record.Partition).Distinct().Count());
        Assert.All(records.GroupBy(record => record.Message.Key), ofKey => Assert.Single(ofKey.Select(record => record.Partition).Distinct()));
    }

    private static async Task ProduceAsync(KafkaCluster cluster, int count)
    {
        using var producer = new ProducerBuilder<string, byte[]>(
            new ProducerConfig { BootstrapServers = cluster.BootstrapServers, EnableIdempotence = true }
        ).Build();
        await Task.WhenAll(
            Enumerable.Range(0, count).Select(i => producer.ProduceAsync(Topic, new() { Key = $"key{i % 20}", Value = Encoding.UTF8.GetBytes($"{i}") }, Token))
        );
    }
}
