using System.Security.Cryptography.X509Certificates;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Redis.Cluster;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>A Redis Cluster comes up in pods, and keeps what belongs to it.</summary>
public sealed class RedisFormationTests(ApiServerFixture apiServer)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Region_WithRedis_FormsACluster()
    {
        await using var lab = await RedisLab.StartAsync(apiServer);
        await lab.CreateAsync(nodeTimeoutMillis: RedisLab.PatientMillis);

        var region = await lab.UntilReadyAsync();

        var redis = region.Status!.Redis!;
        Assert.Equal(SlotRange.Slots, redis.SlotsAssigned);
        Assert.Equal(6, redis.ReadyNodes);
        Assert.Equal(3, redis.Nodes!.Count(node => node.Role == "Master"));
        Assert.Equal(3, redis.Nodes!.Count(node => node is { Role: "Replica", Link: "Up" }));
        Assert.Contains(region.Status.Conditions!, condition => condition is { Type: "RedisReady", Status: "True" });
        Assert.Contains(region.Status.Conditions!, condition => condition is { Type: "RedisDegraded", Status: "False" });
        Assert.Contains(region.Status.Conditions!, condition => condition is { Type: "RedisQuorumLost", Status: "False" });
        // A node may hear of another one a moment after the cluster serves.
        await Eventually.HoldsAsync(
            async () => (await lab.AskAllAsync()).Values.All(view => view.Members.Count == 6 && view.IsStateOk),
            () => "every node knows all nodes"
        );

        await Secrets_Deleted_GetWhatTheNodesHave(lab);
        await Secret_EmptiedAndImmutable_IsToldAndTheClusterGoesOn(lab);
        await Certificate_Renewed_IsServedByAllNodes(lab);
        await Replicas_RaisedAndLowered_ComeAndGoWithoutAFailover(lab);
    }

    private static async Task Secrets_Deleted_GetWhatTheNodesHave(RedisLab lab)
    {
        foreach (var (name, key) in new[] { ("eu-redis-auth", "auth.conf"), ("eu-redis-tls", "ca-bundle.crt"), ("eu-redis-connection", "connectionString") })
        {
            var before = await lab.Client.CoreV1.ReadNamespacedSecretAsync(name, lab.Namespace, cancellationToken: Token);

            await lab.Client.CoreV1.DeleteNamespacedSecretAsync(name, lab.Namespace, cancellationToken: Token);

            await Eventually.HoldsAsync(
                async () =>
                    (await lab.Client.CoreV1.ListNamespacedSecretAsync(lab.Namespace, cancellationToken: Token)).Items.Any(secret =>
                        secret.Metadata.Name == name && secret.Metadata.Uid != before.Metadata.Uid && secret.Data[key].SequenceEqual(before.Data[key])
                    ),
                () => $"{name} is there again",
                TimeSpan.FromSeconds(120)
            );
        }

        await lab.UntilReadyAsync();
    }

    private static async Task Secret_EmptiedAndImmutable_IsToldAndTheClusterGoesOn(RedisLab lab)
    {
        var before = await lab.Client.CoreV1.ReadNamespacedSecretAsync("eu-redis-auth", lab.Namespace, cancellationToken: Token);
        await lab.Client.CoreV1.PatchNamespacedSecretAsync(
            new V1Patch("""{ "data": { "auth.conf": "" }, "immutable": true }""", V1Patch.PatchType.MergePatch),
            "eu-redis-auth",
            lab.Namespace,
            cancellationToken: Token
        );

        // On a busy machine a node may answer one look too late.
        var region = await lab.UntilAsync(
            region =>
                region.Status!.Conditions!.Any(condition => condition is { Type: "RedisReady", Status: "False", Reason: "ApplyRefused" })
                && region.Status.Redis is { ReadyNodes: 6, SlotsAssigned: SlotRange.Slots },
            "the refusal is told, and the cluster goes on"
        );
        Assert.Contains(region.Status!.Conditions!, condition => condition.Message.Contains("immutable", StringComparison.Ordinal));
        await lab.Client.CoreV1.DeleteNamespacedSecretAsync("eu-redis-auth", lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(
            async () =>
                (await lab.Client.CoreV1.ListNamespacedSecretAsync(lab.Namespace, cancellationToken: Token)).Items.Any(secret =>
                    secret.Metadata.Name == "eu-redis-auth" && secret.Data["auth.conf"].SequenceEqual(before.Data["auth.conf"])
                ),
            () => "the Secret is there again",
            TimeSpan.FromSeconds(120)
        );
        await lab.UntilAsync(
            region => region.Status!.Conditions!.Any(condition => condition is { Type: "RedisReady", Status: "True" }),
            "Redis is ready without the refusal"
        );
    }

    private static async Task Certificate_Renewed_IsServedByAllNodes(RedisLab lab)
    {
        var secret = await lab.Client.CoreV1.ReadNamespacedSecretAsync("eu-redis-tls", lab.Namespace, cancellationToken: Token);
        var set = CertificateData.Parse(secret)!;
        var profile = new CertificateProfile("test", set.Serving.Names, IsClient: true);
        var renewed = set with { Serving = CertificateIssuer.CreateServing(set.Authority, profile, TimeProvider.System.GetUtcNow()) };
        secret.Data = CertificateData.Build(renewed);

        await lab.Client.CoreV1.ReplaceNamespacedSecretAsync(secret, "eu-redis-tls", lab.Namespace, cancellationToken: Token);

        using var serving = X509Certificate2.CreateFromPem(renewed.Serving.CertificatePem);
        await Eventually.HoldsAsync(
            async () => (await lab.ReadCertificatesAsync()).All(serial => serial == serving.SerialNumber),
            () => "all nodes serve the new certificate",
            TimeSpan.FromSeconds(120)
        );
        Assert.Empty((await lab.ReadPodsAsync()).Where(pod => pod.Status.ContainerStatuses[0].RestartCount > 0).Select(pod => Describe(lab, pod)));
        await lab.UntilReadyAsync();
    }

    private static string Describe(RedisLab lab, V1Pod pod)
    {
        var container = pod.Status.ContainerStatuses[0];
        var last = container.LastState?.Terminated;
        var log = lab.Kubelet.ReadLog(lab.Namespace, pod.Metadata.Name, container.Name);
        return $"{pod.Metadata.Name} started again {container.RestartCount} times; exit code {last?.ExitCode}, {last?.StartedAt} to {last?.FinishedAt}: {log}";
    }

    private static async Task Replicas_RaisedAndLowered_ComeAndGoWithoutAFailover(RedisLab lab)
    {
        await lab.PatchAsync("""{ "replicasPerShard": 2 }""");
        await UntilAsync(lab, nodes: 9);
        // A pod that is going to be removed is a master.
        await lab.PromoteAsync("eu-redis-1-2");
        // The operator must know, or there is no change of the role that it could tell.
        await lab.UntilAsync(
            region => region.Status?.Redis?.Nodes?.Any(node => node is { Name: "eu-redis-1-2", Role: "Master" }) == true,
            "the status tells the pod as a master"
        );

        await lab.PatchAsync("""{ "replicasPerShard": 1 }""");
        await UntilAsync(lab, nodes: 6);
        await lab.UntilToldAsync("eu-redis-1-2", FailoverCause.ScaleIn);
        await Eventually.HoldsAsync(
            async () => (await lab.AskAllAsync()).Values.All(view => view.Members.Count == 6),
            () => "nobody knows the nodes that are gone",
            TimeSpan.FromSeconds(60)
        );
    }

    private static Task<V1Alpha1ShortenerRegion> UntilAsync(RedisLab lab, int nodes) =>
        lab.UntilAsync(
            region =>
                region.Status?.Redis is { State: "Ready" } redis
                && redis.ReadyNodes == nodes
                && redis.Nodes!.Count == nodes
                && region.Status.Conditions!.Any(condition =>
                    condition is { Type: "RedisReady", Status: "True" } && condition.ObservedGeneration == region.Metadata.Generation
                ),
            $"there are {nodes} nodes"
        );
}
