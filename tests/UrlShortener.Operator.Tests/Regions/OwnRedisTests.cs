using System.Diagnostics;
using System.Net;
using System.Text;
using k8s;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Redis.Protocol;
using UrlShortener.Operator.Tests.Redis;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>A region whose Redis the operator runs.</summary>
public sealed class OwnRedisTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    // Links are created without Redis, too. On a busy machine a request may reach the client's limit of 20 s.
    private static readonly TimeSpan LongestGap = TimeSpan.FromSeconds(45);

    // Signals.
    private const int Stop = 19;
    private const int Continue = 18;

    [Fact]
    public async Task Region_WithItsOwnRedis_IsReadyWhenItServesWithIt()
    {
        await StartAsync();
        await Lab.Client.CreateAsync(
            Lab.Region(
                patch: $$"""
                {
                  "connections": { "redisSecretRef": null },
                  "app": { "settings": [{ "name": "RateLimiting:Anonymous", "value": "100000" }] },
                  "redis": { "image": "{{RegionLab.RedisImage}}", "maxMemory": "64Mi", "nodeTimeoutMillis": {{RedisLab.PatientMillis}} }
                }
                """
            )
        );

        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        var region = await Lab.ReadAsync();
        Assert.Contains(region.Status!.Dependencies!, dependency => dependency is { Name: "redis", Reachable: true });
        Assert.Equal("Ready", region.Status.Redis!.State);
        Assert.DoesNotContain(region.Status.Conditions!, condition => condition is { Type: ConditionTypes.Stalled, Status: "True" });
        var service = await Lab.OpenServiceAsync();
        using var http = RegionLab.NewHttp(service);
        var path = await RegionLab.CreateLinkAsync(http);
        using var response = await http.GetAsync(new Uri(path, UriKind.Relative), Token);
        Assert.Equal(HttpStatusCode.Found, response.StatusCode);

        await RotateAsync(http);

        // Without it, the region goes on.
        await Lab.PatchAsync("""{ "redis": null }""");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Eventually.HoldsAsync(
            async () => (await Lab.Client.AppsV1.ListNamespacedStatefulSetAsync(Lab.Namespace, cancellationToken: Token)).Items.Count == 0,
            () => "the StatefulSets are gone"
        );
        Assert.Null((await Lab.ReadAsync()).Status!.Redis);
    }

    // A new password, while links are created, a node hangs, its replica takes over from it, and the operator dies.
    private async Task RotateAsync(HttpClient http)
    {
        await Lab.UntilAsync(ConditionTypes.RedisPasswordCurrent, "True");
        var (first, processes) = (await ReadPasswordsAsync(), await ReadProcessesAsync());
        await using var writer = new LinkWriter(http);
        var began = Stopwatch.GetTimestamp();

        var hung = (await Lab.ReadAsync()).Status!.Redis!.Nodes!.First(node => node is { Shard: 0, Role: "Master" }).Name;
        await Lab.Kubelet.KillPodAsync(Lab.Namespace, hung, Stop);
        await Lab.AnnotateAsync("urlshortener.dev/rotate-passwords", "1");
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync()).Status!.Redis!.Nodes!.Any(node => node is { Shard: 0, Role: "Master" } && node.Name != hung),
            () => "a replica takes over",
            TimeSpan.FromSeconds(60)
        );
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.ReadAsync()).Status!.Conditions!.Any(condition =>
                    condition is { Type: ConditionTypes.RedisPasswordCurrent, Status: "False" }
                    && condition.Message.Contains($"pod {hung}, whose node does not answer", StringComparison.Ordinal)
                ),
            () => "the condition names the node that is waited for",
            TimeSpan.FromSeconds(60)
        );
        await Lab.Kubelet.KillPodAsync(Lab.Namespace, hung, Continue);
        // That the former one is still accepted may have passed at the next look; that there is another one stays.
        await Eventually.HoldsAsync(async () => (await ReadPasswordsAsync())?.Current is { } now && now != first!.Current, () => "all nodes accept it");
        await Lab.Operator.StopAsync();
        await Lab.StartOperatorAsync();
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync()).Status?.Redis?.PasswordRotation is { State: "Done", Request: "1" },
            () => "the status tells that the rotation is done"
        );

        var current = await ReadPasswordsAsync();
        Assert.NotEqual(first!.Current, current!.Current);
        Assert.Null(current.Next);
        Assert.Null(current.Former);
        await AssertOnlyAsync(current.Current, first.Current);
        // On a slow machine its liveness probe may have ended the one that hung.
        Assert.Equal(processes.Where(IsOther), (await ReadProcessesAsync()).Where(IsOther));
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.ReadAsync()).Status is { Redis.State: "Ready" } status && status.Dependencies!.Any(one => one is { Name: "redis", Reachable: true }),
            () => "the app and all replicas have connected anew"
        );

        // A Secret that is gone comes back as it was.
        await Lab.Client.CoreV1.DeleteNamespacedSecretAsync("eu-redis-auth", Lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(async () => (await ReadPasswordsAsync())?.Current == current.Current, () => "the Secret is back");

        Assert.NotEmpty(await writer.StopAsync());
        Assert.True(writer.LongestGapSince(began) < writer.Allow(LongestGap), $"{writer.LongestGapSince(began)}");
        Assert.Empty(writer.Missed);
        Assert.Empty(await writer.FindLostAsync());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"longest time without a link {writer.LongestGapSince(began)}, without a redirect {writer.LongestGapOfRedirectsSince(began)}"
        );

        bool IsOther(string process) => !process.StartsWith($"{hung} ", StringComparison.Ordinal);
    }

    // Every node refuses the former password, and whoever is connected has the new one.
    private async Task AssertOnlyAsync(string current, string former)
    {
        using var redis = new RedisClient(TimeProvider.System);
        var tls = await Lab.Client.CoreV1.ReadNamespacedSecretAsync("eu-redis-tls", Lab.Namespace, cancellationToken: Token);
        var (bundle, host) = (Encoding.UTF8.GetString(tls.Data["ca-bundle.crt"]), RedisNames.HostOf(await Lab.ReadAsync()));
        var nodes = (
            await Lab.Client.CoreV1.ListNamespacedPodAsync(Lab.Namespace, labelSelector: "app.kubernetes.io/component=redis", cancellationToken: Token)
        ).Items;
        Assert.NotEmpty(nodes);
        foreach (var node in nodes)
        {
            var address = new IPEndPoint(IPAddress.Parse(node.Status.PodIP), RedisNames.Port);
            var refused = await redis.SendAsync(address, new RedisAccess(former, bundle, host), TimeSpan.FromMinutes(1), ["PING"], Token);
            Assert.StartsWith("WRONGPASS", refused.Error, StringComparison.Ordinal);
            var says = NodePasswords.Of(
                await redis.SendAsync(address, new RedisAccess(current, bundle, host), TimeSpan.FromMinutes(1), NodePasswords.Questions, Token)
            );
            Assert.Equal(RedisPasswords.HashOf(current), Assert.Single(says!.Accepted));
            Assert.Equal((RedisPasswords.HashOf(current), RedisPasswords.HashOf(current)), (says.Link, says.File));
            Assert.Empty(says.FindWithout(current));
        }
    }

    private async Task<RedisPasswords?> ReadPasswordsAsync()
    {
        try
        {
            return RedisPasswords.Of((await Lab.Client.CoreV1.ReadNamespacedSecretAsync("eu-redis-auth", Lab.Namespace, cancellationToken: Token)).Data);
        }
        catch (k8s.Autorest.HttpOperationException missing) when (missing.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private async Task<IReadOnlyList<string>> ReadProcessesAsync() =>
        [
            .. (await Lab.Client.CoreV1.ListNamespacedPodAsync(Lab.Namespace, cancellationToken: Token))
                .Items.Where(pod => pod.Status.Phase == "Running")
                .Select(pod => $"{pod.Metadata.Name} {pod.Metadata.Uid} {pod.Status.ContainerStatuses[0].ContainerID}")
                .Order(StringComparer.Ordinal),
        ];
}
