using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.ControllerRuntime.Timing;
using UrlShortener.TestServers.Network;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Informers;

/// <summary>Informers on a real API server.</summary>
public sealed class InformerTests(RuntimeClusterFixture fixture) : RuntimeTest
{
    private static readonly InformerTimings Fast = new() { Reconnect = new Backoff(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(200)) };

    [Fact]
    public async Task Informer_ObjectsComeChangeAndGo_TellsEachOnce()
    {
        var cluster = await fixture.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("informer", Token);
        await client.CoreV1.CreateNamespacedConfigMapAsync(Build("before"), space.Name, cancellationToken: Token);
        var options = new InformerOptions<V1ConfigMap>
        {
            Namespaces = [space.Name],
            LabelSelector = "test=yes",
            Transform = map => map.Data = null,
        };
        await using var running = await RunningInformer<V1ConfigMap>.StartAsync(cluster.Kubeconfig, null, options);

        var made = await client.CoreV1.CreateNamespacedConfigMapAsync(Build("after"), space.Name, cancellationToken: Token);
        await UntilAsync(() => running.Changes.Has("+after"), "the new one is told");
        made.Data["key"] = "changed";
        await client.CoreV1.ReplaceNamespacedConfigMapAsync(made, "after", space.Name, cancellationToken: Token);
        await client.CoreV1.DeleteNamespacedConfigMapAsync("before", space.Name, cancellationToken: Token);
        await UntilAsync(() => running.Changes.Has("-before"), "the end is told");

        Assert.Equal(["+before", "+after", "~after", "-before"], running.Changes.All);
        var kept = Assert.Single(running.Informer.Cache.GetAll());
        Assert.Equal(("v1", "ConfigMap"), (kept.ApiVersion, kept.Kind));
        Assert.Null(kept.Data);
        Assert.Null(kept.Metadata.ManagedFields);
    }

    [Fact]
    public async Task Informer_MoreObjectsThanAPageHolds_KnowsAll()
    {
        var cluster = await fixture.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("pages", Token);
        for (var i = 0; i < 7; i++)
            await client.CoreV1.CreateNamespacedConfigMapAsync(Build($"map-{i}"), space.Name, cancellationToken: Token);

        var options = new InformerOptions<V1ConfigMap>
        {
            Namespaces = [space.Name],
            LabelSelector = "test=yes",
            Timings = Fast with { PageSize = 2 },
        };
        await using var running = await RunningInformer<V1ConfigMap>.StartAsync(cluster.Kubeconfig, null, options);

        Assert.Equal(7, running.Informer.Cache.Count);
    }

    [Fact]
    public async Task Informer_EmptyKindOverSeveralWatches_TellsTheFirstObject()
    {
        var cluster = await fixture.GetAsync();
        Assert.SkipUnless(cluster.IsLocal, "Watches are counted in the audit log of a control plane of local processes (KUBEBUILDER_ASSETS).");
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("empty", Token);
        var timings = Fast with { LeastWatch = TimeSpan.FromSeconds(1), MostWatch = TimeSpan.FromSeconds(1) };
        var log = new TestLog<Informer<V1Widget>>();
        await using var running = await RunningInformer<V1Widget>.StartAsync(
            cluster.Kubeconfig,
            null,
            new InformerOptions<V1Widget> { Namespaces = [space.Name], Timings = timings },
            log
        );

        // The server ends each watch after a second.
        await UntilAsync(
            async () => (await cluster.ReadAuditAsync(one => one is { Verb: "watch", Resource: "widgets" } && one.Namespace == space.Name, Token)).Count > 4,
            "several watches ended"
        );
        await client.CustomObjects.CreateNamespacedCustomObjectAsync(
            NewWidget(space.Name, "first"),
            "tests.urlshortener.dev",
            "v1",
            space.Name,
            "widgets",
            cancellationToken: Token
        );

        await UntilAsync(() => running.Changes.Has("+first"), "the first object is told");
        Assert.Equal(0, log.Count("WatchFailed"));
    }

    [Fact]
    public async Task Informer_ConnectionsBlackHoled_GivesThemUpAndCatchesUp()
    {
        var cluster = await fixture.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("blackhole", Token);
        await using var gate = new TcpGate(cluster.Address.Port);
        var log = new TestLog<Informer<V1ConfigMap>>();
        var options = new InformerOptions<V1ConfigMap>
        {
            Namespaces = [space.Name],
            LabelSelector = "test=yes",
            Timings = Fast with { IdleLimit = TimeSpan.FromSeconds(2) },
        };
        await using var running = await RunningInformer<V1ConfigMap>.StartAsync(cluster.Kubeconfig, gate.Port, options, log);
        await client.CoreV1.CreateNamespacedConfigMapAsync(Build("seen"), space.Name, cancellationToken: Token);
        await UntilAsync(() => running.Changes.Has("+seen"), "the watch is open");

        gate.Mode = TcpGateMode.BlackHole;
        await client.CoreV1.CreateNamespacedConfigMapAsync(Build("unseen"), space.Name, cancellationToken: Token);
        await UntilAsync(() => log.Count("WatchIdle") > 0 && log.Count("WatchFailed") > 0, "the informer gives its connection up and fails to make another");
        Assert.False(running.Changes.Has("+unseen"));
        Assert.True(running.Informer.SilentFor > TimeSpan.FromSeconds(2));
        // All that was held is lost with its connections.
        gate.Mode = TcpGateMode.Closed;
        gate.Mode = TcpGateMode.Open;

        await UntilAsync(() => running.Changes.Has("+unseen"), "the object is told");
        await UntilAsync(() => running.Informer.SilentFor < TimeSpan.FromSeconds(2), "the server is heard from");
    }

    [Fact]
    public async Task Informer_OptionalKindNotServed_IsInStepWithNothingUntilItAppears()
    {
        var cluster = await fixture.GetAsync();
        var timings = Fast with { NotServedRetry = TimeSpan.FromMilliseconds(200) };

        await using var optional = await RunningInformer<Unserved>.StartAsync(
            cluster.Kubeconfig,
            null,
            new InformerOptions<Unserved> { Optional = true, Timings = timings }
        );
        await using var required = RunningInformer<Unserved>.Start(cluster.Kubeconfig, null, new InformerOptions<Unserved> { Timings = timings });
        await UntilAsync(() => required.Informer.IsNotServed, "the required one knows");

        Assert.True(optional.Informer.IsNotServed);
        Assert.False(required.Informer.HasSynced);
    }

    internal static V1ConfigMap Build(string name) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                Labels = new Dictionary<string, string> { ["test"] = "yes" },
            },
            Data = new Dictionary<string, string> { ["key"] = "value" },
        };

    private static V1Widget NewWidget(string space, string name)
    {
        var widget = V1Widget.Build(space, name);
        (widget.ApiVersion, widget.Kind) = ("tests.urlshortener.dev/v1", "Widget");
        return widget;
    }

    [KubernetesEntity(Group = "tests.urlshortener.dev", ApiVersion = "v1", Kind = "Unserved", PluralName = "unserveds")]
    private sealed class Unserved : IKubernetesObject<V1ObjectMeta>
    {
        public string ApiVersion { get; set; } = "";

        public string Kind { get; set; } = "";

        public V1ObjectMeta Metadata { get; set; } = new();
    }
}
