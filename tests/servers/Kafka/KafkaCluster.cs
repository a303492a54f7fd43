using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kafka;

/// <summary>
/// A real Kafka cluster (KRaft) for tests, on loopback. It needs Java and the jars of Kafka; else there is a <see cref="ServerUnavailableException"/>. Topics
/// are not made by themselves. The nodes end with this process, whichever way that ends.
/// </summary>
public sealed class KafkaCluster : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Name of the user of a secured cluster.</summary>
    public const string User = "clicks";

    private readonly ServerFolder _folder;

    private KafkaCluster(IReadOnlyList<KafkaNode> nodes, ServerFolder folder)
    {
        Nodes = nodes;
        _folder = folder;
    }

    /// <summary>The nodes. Their number and order never change.</summary>
    public IReadOnlyList<KafkaNode> Nodes { get; }

    /// <summary>Where clients connect to: all nodes.</summary>
    public string BootstrapServers => string.Join(',', Nodes.Select(node => node.EndPoint));

    /// <summary>Password of <see cref="User"/>.</summary>
    public string Password { get; } = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));

    /// <summary>Keys of a secured cluster.</summary>
    public KafkaKeys Keys { get; private set; } = KafkaKeys.Create(TimeProvider.System);

    /// <summary>Where clients of a secured cluster connect to with a password.</summary>
    public string PasswordServers => string.Join(',', Nodes.Select(node => node.PasswordEndPoint));

    /// <summary>Where clients of a secured cluster connect to with a certificate.</summary>
    public string CertificateServers => string.Join(',', Nodes.Select(node => node.CertificateEndPoint));

    /// <summary>Starts a cluster, and returns when every node answers.</summary>
    /// <exception cref="ServerUnavailableException">Kafka cannot be had here.</exception>
    public static async Task<KafkaCluster> StartAsync(KafkaClusterOptions options, CancellationToken cancellationToken)
    {
        var programs = await KafkaPrograms.FindAsync(cancellationToken);
        var folder = ServerFolder.Create(onDisk: false);
        var nodes = Enumerable.Range(1, options.Nodes).Select(id => new KafkaNode(id, programs, folder)).ToArray();
        var cluster = new KafkaCluster(nodes, folder);
        try
        {
            var name = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
            // A first '-' would be read as an option.
            var settings = SettingsOf(options, nodes).ToList();
            var user = options.IsSecured ? (User, cluster.Password) : default((string, string)?);
            await cluster.WriteKeysAsync(cancellationToken);
            await Task.WhenAll(nodes.Select(node => node.FormatAsync(name.Replace('-', 'A'), settings, user, cancellationToken)));
            await Task.WhenAll(nodes.Select(node => node.StartAsync(cancellationToken)));
            await cluster.WaitUntilHealthyAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the cluster has all its nodes. All of them must run.</summary>
    public async Task WaitUntilHealthyAsync(CancellationToken cancellationToken)
    {
        using var client = CreateAdmin(BootstrapServers);
        await Poll.UntilAsync("the cluster has all its nodes", Limit, token => Task.Run(() => FindMissing(client), token), cancellationToken);
    }

    /// <summary>Gives the nodes keys of a new authority. Each node has them from its next start on.</summary>
    public Task RenewKeysAsync(CancellationToken cancellationToken)
    {
        Keys = KafkaKeys.Create(TimeProvider.System);
        return WriteKeysAsync(cancellationToken);
    }

    /// <summary>Makes a topic whose partitions have a replica on each node.</summary>
    public async Task CreateTopicAsync(string name, int partitions, CancellationToken cancellationToken)
    {
        using var client = CreateAdmin(BootstrapServers);
        TopicSpecification[] topics =
        [
            new()
            {
                Name = name,
                NumPartitions = partitions,
                ReplicationFactor = (short)Nodes.Count,
            },
        ];
        await client.CreateTopicsAsync(topics, new CreateTopicsOptions { OperationTimeout = Limit, RequestTimeout = Limit }).WaitAsync(cancellationToken);
    }

    /// <summary>Adds partitions to a topic. Returns when clients see them.</summary>
    /// <param name="topic">Name of the topic.</param>
    /// <param name="partitions">How many it has then.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task AddPartitionsAsync(string topic, int partitions, CancellationToken cancellationToken)
    {
        using var client = CreateAdmin(BootstrapServers);
        PartitionsSpecification[] added = [new() { Topic = topic, IncreaseTo = partitions }];
        await client
            .CreatePartitionsAsync(added, new CreatePartitionsOptions { OperationTimeout = Limit, RequestTimeout = Limit })
            .WaitAsync(cancellationToken);
        await Poll.UntilAsync($"{topic} has {partitions} partitions", Limit, token => Task.Run(FindMissingPartition, token), cancellationToken);

        string? FindMissingPartition()
        {
            var found = client.GetMetadata(topic, Limit).Topics.Single().Partitions.Count;
            return found == partitions ? null : $"it has {found}";
        }
    }

    /// <summary>Runs a script that calls <c>kafka-topics.sh</c>, which it finds in the folder that KAFKA_BIN names.</summary>
    /// <returns>What it wrote.</returns>
    public async Task<string> RunScriptAsync(string path, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var programs = await KafkaPrograms.FindAsync(cancellationToken);
        var folder = Directory.CreateDirectory(_folder.PathOf("bin")).FullName;
        var command = Path.Combine(folder, "kafka-topics.sh");
        var java =
            $"exec '{programs.Java}' -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '{programs.Libraries}/*' org.apache.kafka.tools.TopicCommand \"$@\"";
        await File.WriteAllTextAsync(command, $"#!/bin/sh\n{java}\n", cancellationToken);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(command, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return await Tool.RunAsync(["/usr/bin/env", $"KAFKA_BIN={folder}", path, .. arguments], folder, Limit, cancellationToken);
    }

    /// <summary>The replicas of each partition of a topic, and its settings by name.</summary>
    public async Task<(IReadOnlyList<int> Replicas, IReadOnlyDictionary<string, string> Settings)> DescribeTopicAsync(string topic)
    {
        using var client = CreateAdmin(BootstrapServers);
        var partitions = client.GetMetadata(topic, Limit).Topics.Single().Partitions;
        var found = await client.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = topic }], new() { RequestTimeout = Limit });
        return (
            [.. partitions.Select(partition => partition.Replicas.Length)],
            found.Single().Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Value)
        );
    }

    /// <summary>Reads all records that a topic has now, each partition in order. Those of transactions that are open or were aborted are not among them.</summary>
    public IReadOnlyList<ConsumeResult<string, byte[]>> ReadAll(string topic)
    {
        using var consumer = new ConsumerBuilder<string, byte[]>(
            new ConsumerConfig
            {
                BootstrapServers = BootstrapServers,
                GroupId = "reader",
                EnableAutoCommit = false,
                // The last offset of a transaction is no record.
                EnablePartitionEof = true,
                // The end of a partition is told after this time.
                FetchWaitMaxMs = 10,
                ReconnectBackoffMaxMs = 200,
            }
        ).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        using var client = CreateAdmin(BootstrapServers);
        var records = new List<ConsumeResult<string, byte[]>>();
        foreach (var partition in client.GetMetadata(topic, Limit).Topics.Single().Partitions)
        {
            var place = new TopicPartition(topic, partition.PartitionId);
            var end = consumer.QueryWatermarkOffsets(place, Limit).High.Value;
            consumer.Assign(new TopicPartitionOffset(place, Offset.Beginning));
            for (long next = 0; next < end; )
            {
                var record = consumer.Consume(Limit) ?? throw new TimeoutException($"{place} has {end} records, and {next} of them came.");
                if (record.IsPartitionEOF)
                    break;
                next = record.Offset.Value + 1;
                records.Add(record);
            }
        }

        return records;
    }

    /// <summary>
    /// How many offsets at the ends of a topic's partitions readers of what is committed cannot have yet, because a transaction is open before them.
    /// </summary>
    public long CountHeldBack(string topic)
    {
        using var client = CreateAdmin(BootstrapServers);
        var partitions = client.GetMetadata(topic, Limit).Topics.Single().Partitions;
        return SumOfEnds(IsolationLevel.ReadUncommitted) - SumOfEnds(IsolationLevel.ReadCommitted);

        long SumOfEnds(IsolationLevel level)
        {
            using var consumer = new ConsumerBuilder<Ignore, Ignore>(
                new ConsumerConfig
                {
                    BootstrapServers = BootstrapServers,
                    GroupId = "reader",
                    IsolationLevel = level,
                }
            ).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
            return partitions.Sum(partition => consumer.QueryWatermarkOffsets(new TopicPartition(topic, partition.PartitionId), Limit).High.Value);
        }
    }

    /// <summary>Runs a program of Kafka, such as <c>org.apache.kafka.tools.TransactionsCommand</c>, to its end.</summary>
    /// <returns>What it wrote.</returns>
    public async Task<string> RunToolAsync(string type, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var programs = await KafkaPrograms.FindAsync(cancellationToken);
        string[] java = [programs.Java, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", Path.Combine(programs.Libraries, "*"), type];
        return await Tool.RunAsync([.. java, "--bootstrap-server", BootstrapServers, .. arguments], _folder.FullName, Limit, cancellationToken);
    }

    /// <summary>Ends all nodes and removes their data.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Nodes.Select(node => node.DisposeAsync().AsTask()));
        _folder.Delete();
    }

    /// <summary>A client that reports errors to its caller only, and finds a node that comes back at once.</summary>
    internal static IAdminClient CreateAdmin(string servers) =>
        new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers, ReconnectBackoffMaxMs = 200 })
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, _) => { })
            .Build();

    private Task WriteKeysAsync(CancellationToken cancellationToken) => Task.WhenAll(Nodes.Select(node => node.WriteKeysAsync(Keys, cancellationToken)));

    private string? FindMissing(IAdminClient client)
    {
        try
        {
            var known = client.GetMetadata(TimeSpan.FromSeconds(5)).Brokers.Count;
            return known == Nodes.Count ? null : $"{known} of {Nodes.Count} nodes";
        }
        catch (KafkaException error)
        {
            return error.Error.Reason;
        }
    }

    // What a test must not wait for is short: the session of a killed node, the first members of a group.
    private static IEnumerable<KeyValuePair<string, string>> SettingsOf(KafkaClusterOptions options, KafkaNode[] nodes)
    {
        var replicas = nodes.Length.ToString(CultureInfo.InvariantCulture);
        var least = ((nodes.Length / 2) + 1).ToString(CultureInfo.InvariantCulture);
        return new Dictionary<string, string>
        {
            ["controller.quorum.voters"] = string.Join(',', nodes.Select(node => node.Voter)),
            ["auto.create.topics.enable"] = "false",
            ["default.replication.factor"] = replicas,
            ["min.insync.replicas"] = least,
            ["offsets.topic.replication.factor"] = replicas,
            ["offsets.topic.num.partitions"] = "4",
            ["transaction.state.log.replication.factor"] = replicas,
            ["transaction.state.log.min.isr"] = least,
            ["transaction.state.log.num.partitions"] = "4",
            ["share.coordinator.state.topic.replication.factor"] = replicas,
            ["share.coordinator.state.topic.min.isr"] = least,
            ["group.initial.rebalance.delay.ms"] = "0",
            ["broker.heartbeat.interval.ms"] = "500",
            ["broker.session.timeout.ms"] = "3000",
            ["num.network.threads"] = "2",
            ["num.io.threads"] = "4",
            ["log.cleaner.dedupe.buffer.size"] = "8388608",
        }.Concat(options.Settings);
    }
}
