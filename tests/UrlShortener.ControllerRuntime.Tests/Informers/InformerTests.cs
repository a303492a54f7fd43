using System.Text.Json.Nodes;
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

    [Fact]
    public async Task Informer_DefinitionDeletedAndMadeAgain_SaysSoAndReadsAgain()
    {
        // Retried often enough for a definition to be back in use within ten seconds.
        Assert.InRange(new InformerTimings().NotServedRetry, TimeSpan.Zero, TimeSpan.FromSeconds(8));
        var cluster = await fixture.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("definition", Token);
        await InstallAsync();
        await CreateAsync("a");
        var timings = Fast with { NotServedRetry = TimeSpan.FromMilliseconds(200) };
        await using var running = await RunningInformer<Gadget>.StartAsync(
            cluster.Kubeconfig,
            null,
            new InformerOptions<Gadget> { Namespaces = [space.Name], Timings = timings }
        );
        await UntilAsync(() => running.Informer.Cache.Count == 1, "the object is there");

        await client.ApiextensionsV1.DeleteCustomResourceDefinitionAsync("gadgets.tests.urlshortener.dev", cancellationToken: Token);
        await UntilAsync(() => running.Informer.IsNotServed, "the kind is not served");
        await InstallAsync();
        await CreateAsync("b");

        await UntilAsync(() => running.Informer.Cache.GetAll().SingleOrDefault()?.Metadata.Name == "b", "the new object is there, alone");
        Assert.False(running.Informer.IsNotServed);
        await client.ApiextensionsV1.DeleteCustomResourceDefinitionAsync("gadgets.tests.urlshortener.dev", cancellationToken: Token);

        Task InstallAsync() =>
            TryUntilAsync(() =>
                client.CustomObjects.CreateClusterCustomObjectAsync(
                    Definition(),
                    "apiextensions.k8s.io",
                    "v1",
                    "customresourcedefinitions",
                    cancellationToken: Token
                )
            );

        Task CreateAsync(string name) =>
            TryUntilAsync(() =>
                client.CustomObjects.CreateNamespacedCustomObjectAsync(
                    new JsonObject
                    {
                        ["apiVersion"] = "tests.urlshortener.dev/v1",
                        ["kind"] = "Gadget",
                        ["metadata"] = new JsonObject { ["name"] = name },
                    },
                    "tests.urlshortener.dev",
                    "v1",
                    space.Name,
                    "gadgets",
                    cancellationToken: Token
                )
            );

        // A definition that is being deleted or has just been made answers 404, 409 or 429.
        static Task TryUntilAsync(Func<Task> tryAsync) =>
            UntilAsync(
                async () =>
                {
                    try
                    {
                        await tryAsync();
                        return true;
                    }
                    catch (k8s.Autorest.HttpOperationException early) when ((int)early.Response.StatusCode is 404 or 405 or 409 or 429)
                    {
                        return false;
                    }
                },
                "it is created"
            );

        static JsonObject Definition() =>
            JsonNode
                .Parse(
                    """
                    {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "gadgets.tests.urlshortener.dev"},
                     "spec": {"group": "tests.urlshortener.dev", "scope": "Namespaced", "names": {"kind": "Gadget", "plural": "gadgets"},
                              "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}
                    """
                )!
                .AsObject();
    }

    [KubernetesEntity(Group = "tests.urlshortener.dev", ApiVersion = "v1", Kind = "Gadget", PluralName = "gadgets")]
    private sealed class Gadget : IKubernetesObject<V1ObjectMeta>
    {
        public string ApiVersion { get; set; } = "";

        public string Kind { get; set; } = "";

        public V1ObjectMeta Metadata { get; set; } = new();
    }

    [KubernetesEntity(Group = "tests.urlshortener.dev", ApiVersion = "v1", Kind = "Unserved", PluralName = "unserveds")]
    private sealed class Unserved : IKubernetesObject<V1ObjectMeta>
    {
        public string ApiVersion { get; set; } = "";

        public string Kind { get; set; } = "";

        public V1ObjectMeta Metadata { get; set; } = new();
    }
}
