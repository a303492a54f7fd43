using System.Diagnostics;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Hosting;

/// <summary>Controllers of a kind of these tests, on a real API server.</summary>
public sealed class ControllerHostTests(RuntimeClusterFixture fixture) : RuntimeTest
{
    private readonly WidgetBehavior _behavior = new();

    [Fact]
    public async Task OwnedObject_Deleted_IsMadeAgain()
    {
        await using var place = await PrepareAsync("owned");
        await using var running = await StartAsync(place, one => one.Owns<V1ConfigMap>());
        _behavior.Reconcile = (widget, _, token) => running.Client.ApplyAsync(Owned(widget), FieldManager, force: true, token);
        await CreateAsync(place, "a");
        var first = await ReadAsync(null);

        await place.Client.CoreV1.DeleteNamespacedConfigMapAsync("a", place.Name, cancellationToken: Token);

        await ReadAsync(first.Metadata.Uid);

        async Task<V1ConfigMap> ReadAsync(string? formerUid)
        {
            V1ConfigMap? found = null;
            await UntilAsync(
                async () =>
                    (found = await running.Client.GetAsync<V1ConfigMap>(new ObjectKey(place.Name, "a"), Token)) is not null && found.Metadata.Uid != formerUid,
                "the owned object is there"
            );
            return found!;
        }
    }

    [Fact]
    public async Task Object_ThatTheControllerDoesNotTake_IsLeftAlone()
    {
        await using var place = await PrepareAsync("taken");
        await using var running = await StartAsync(
            place,
            one =>
            {
                // One after the other.
                one.Workers = 1;
                one.Takes = widget => widget.Spec?.Size != 1;
            }
        );
        await CreateAsync(place, "a", size: 1);
        await CreateAsync(place, "b", size: 2);

        await UntilAsync(() => _behavior.Count("done b") == 1, "the one that it takes is reconciled");
        Assert.Equal(0, _behavior.Count("done a"));
    }

    [Fact]
    public async Task OtherObject_ThatSomeNameInTheirSpec_ReconcilesThoseAlone()
    {
        await using var place = await PrepareAsync("named");
        await using var running = await TestOperator.StartAsync(
            place.Kubeconfig,
            place.Name,
            services =>
                services
                    .AddSingleton(_behavior)
                    .AddInformer<V1Widget>(options => options.Indexers["size"] = widget => [$"size-{widget.Spec?.Size}"])
                    .AddController<V1Widget, WidgetController>(definition =>
                        definition.Watches<V1Secret>((secret, widgets) => widgets.GetBy("size", secret.Metadata.Name).Select(widget => ObjectKey.Of(widget)))
                    )
        );
        await CreateAsync(place, "a", size: 1);
        await CreateAsync(place, "b", size: 2);
        await UntilAsync(() => _behavior.Count("done a") == 1 && _behavior.Count("done b") == 1, "both are reconciled");

        var secret = new V1Secret { Metadata = new V1ObjectMeta { Name = "size-2" } };
        await place.Client.CoreV1.CreateNamespacedSecretAsync(secret, place.Name, cancellationToken: Token);

        await UntilAsync(() => _behavior.Count("done b") == 2, "the one that names it is reconciled");
        Assert.Equal(1, _behavior.Count("done a"));
    }

    [Fact]
    public async Task Status_WrittenInEachReconcile_IsSentOnlyWhenItChanges()
    {
        await using var place = await PrepareAsync("status");
        await using var running = await StartAsync(place);
        _behavior.Reconcile = async (widget, _, token) =>
        {
            var desired = new V1Widget
            {
                Metadata = widget.Metadata,
                Status = new WidgetStatus { Size = widget.Spec!.Size, ObservedGeneration = widget.Metadata.Generation ?? 0 },
            };
            await running.Client.PatchStatusAsync(widget, desired, "status", token);
        };
        await CreateAsync(place, "a");
        // What a reconcile sees: one that came before it would be refused, and come again.
        var cache = running.Get<Informer<V1Widget>>().Cache;
        await UntilAsync(() => cache.TryGet(new ObjectKey(place.Name, "a"), out var seen) && seen.Status is { Size: 1 }, "the status is known");

        await ReconcileAgainAsync(running, place, "a", 50);

        var writes = await place.ReadWritesAsync();
        Assert.Equal(["patch widgets/status 200"], writes);
        Assert.True(_behavior.Count("reconcile a") > 50);
    }

    [Fact]
    public async Task StatusPart_WrittenByAnotherControllerOfTheKind_ReconcilesTheOneThatAsksForIt()
    {
        await using var place = await PrepareAsync("parts");
        await using var running = await TestOperator.StartAsync(
            place.Kubeconfig,
            place.Name,
            services =>
                services
                    .AddSingleton(_behavior)
                    .AddController<V1Widget, WidgetController>(definition =>
                    {
                        definition.Name = place.Name;
                        definition.IsRelevantStatus = (former, current) => former.Status?.Size != current.Status?.Size;
                    })
                    .AddController<V1Widget, PartController>(definition => definition.Name = $"{place.Name}-part")
        );

        await CreateAsync(place, "a", size: 7);

        await UntilAsync(() => _behavior.Count("done a") == 2, "it is reconciled for its creation and for the part of the status");
        Assert.Equal(7, (await GetAsync(running, place, "a"))!.Status!.Size);
        var trigger = running.Get<ReconcileTrigger<PartController>>();
        trigger.Request(new ObjectKey(place.Name, "a"));
        await UntilAsync(() => running.Get<PartController>().Reconciles >= 2, "the other controller is reconciled on request");
        Assert.Equal(2, _behavior.Count("done a"));
    }

    [Fact]
    public void AddController_WithTheNameOfAnother_IsRefused()
    {
        var services = new ServiceCollection().AddController<V1Widget, WidgetController>(definition => definition.Name = "one");

        var refused = Assert.Throws<InvalidOperationException>(() => services.AddController<V1Widget, PartController>(definition => definition.Name = "one"));

        Assert.Contains("one", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replicas_OfAnAutoscaler_AreNotFought()
    {
        await using var place = await PrepareAsync("scale");
        await using var running = await StartAsync(place);
        _behavior.Reconcile = async (widget, _, token) =>
        {
            if (await running.Client.GetAsync<V1Deployment>(ObjectKey.Of(widget), token) is null)
                await running.Client.CreateAsync(Deployment(widget, 3), "bootstrap", token);
            await running.Client.ApplyAsync(Deployment(widget, null), FieldManager, force: true, token);
        };
        await CreateAsync(place, "a");
        await UntilAsync(() => _behavior.Count("done a") > 0, "the deployment is there");

        var seven = new V1Patch("""{"spec":{"replicas":7}}""", V1Patch.PatchType.MergePatch);
        await place.Client.AppsV1.PatchNamespacedDeploymentScaleAsync(seven, "a", place.Name, fieldManager: "autoscaler", cancellationToken: Token);
        await ReconcileAgainAsync(running, place, "a", 50);

        var after = await place.Client.AppsV1.ReadNamespacedDeploymentAsync("a", place.Name, cancellationToken: Token);
        Assert.Equal(7, after.Spec.Replicas);
        var ours = Assert.Single(after.Metadata.ManagedFields, fields => fields.Manager == FieldManager);
        Assert.DoesNotContain("f:replicas", KubernetesJson.Serialize(ours.FieldsV1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Object_Deleted_IsForgotten()
    {
        await using var place = await PrepareAsync("deleted");
        await using var running = await StartAsync(place);
        await CreateAsync(place, "a");
        await UntilAsync(() => _behavior.Count("done a") > 0, "it was reconciled");

        await running.Client.DeleteAsync((await GetAsync(running, place, "a"))!, Token);

        await UntilAsync(() => _behavior.Count("deleted a") > 0, "it is gone");
        Assert.Null(await GetAsync(running, place, "a"));
    }

    [Fact]
    public async Task Namespace_Deleted_GoesAndNoReconcileLoops()
    {
        // As the administrator: a user of the namespace would lose its rights with it.
        await using var place = await PrepareAsync("terminating", asAdministrator: true);
        await using var running = await StartAsync(place, one => one.Owns<V1ConfigMap>());
        _behavior.Reconcile = (widget, _, token) => running.Client.ApplyAsync(Owned(widget), FieldManager, force: true, token);
        await CreateAsync(place, "a");
        await UntilAsync(() => _behavior.Count("done a") > 0, "it was reconciled");

        var deleted = Stopwatch.GetTimestamp();
        await place.Admin.CoreV1.DeleteNamespaceAsync(place.Name, cancellationToken: Token);
        await UntilAsync(
            async () => !(await place.Admin.CoreV1.ListNamespaceAsync(cancellationToken: Token)).Items.Any(one => one.Metadata.Name == place.Name),
            "the namespace is gone"
        );

        // A reconcile may be on its way when it goes.
        var late = new V1ConfigMap
        {
            ApiVersion = "v1",
            Kind = V1ConfigMap.KubeKind,
            Metadata = new V1ObjectMeta { Name = "late", NamespaceProperty = place.Name },
        };
        Assert.True((await Assert.ThrowsAsync<ApiException>(() => running.Client.ApplyAsync(late, FieldManager, force: true, Token))).IsNamespaceTerminating);
        Assert.Equal(0, ReconcileMetrics.Errors.WithLabels(place.Name).Value);
        // One for each event of something going in it, and one each 10 s; waits that grow from 5 ms would make more.
        var most = 5 + (int)(Stopwatch.GetElapsedTime(deleted).TotalSeconds / 10);
        Assert.InRange((await place.ReadWritesAsync()).Count(write => write.EndsWith("403", StringComparison.Ordinal)), 0, most);
    }

    [Fact]
    public async Task Reconcile_Conflict_IsTriedAgainAndIsNoError()
    {
        await using var place = await PrepareAsync("conflict");
        await using var running = await StartAsync(place);
        _behavior.Reconcile = (widget, call, token) =>
        {
            var metadata = new JsonObject { ["resourceVersion"] = call == 1 ? "1" : widget.Metadata.ResourceVersion };
            var patch = new JsonObject
            {
                ["metadata"] = metadata,
                ["status"] = new JsonObject { ["size"] = 1 },
            };
            return running.Client.PatchAsync<V1Widget>(ObjectKey.Of(widget), patch, "status", token, "status");
        };

        await CreateAsync(place, "a");

        await UntilAsync(() => _behavior.Count("done a") == 1, "it succeeds");
        Assert.Equal(0, ReconcileMetrics.Errors.WithLabels(place.Name).Value);
        Assert.Equal(1, ReconcileMetrics.Reconciles.WithLabels(place.Name, "requeue").Value);
    }

    [Fact]
    public async Task Reconcile_ThrowsOrHangs_IsCountedAndTriedAgain()
    {
        await using var place = await PrepareAsync("broken");
        await using var running = await StartAsync(place, one => one.ReconcileLimit = TimeSpan.FromMilliseconds(300));
        _behavior.Reconcile = (_, call, token) =>
            call switch
            {
                1 => throw new InvalidOperationException("A bug."),
                2 => Task.Delay(Timeout.Infinite, token),
                _ => Task.CompletedTask,
            };

        await CreateAsync(place, "a");

        await UntilAsync(() => _behavior.Count("done a") == 1, "it succeeds");
        Assert.Equal(1, ReconcileMetrics.Panics.WithLabels(place.Name).Value);
        Assert.Equal(1, ReconcileMetrics.Timeouts.WithLabels(place.Name).Value);
        Assert.Equal(2, ReconcileMetrics.Errors.WithLabels(place.Name).Value);
    }

    [Fact]
    public async Task Stop_WorkInHand_EndsBeforeTheLeaseIsHandedBack()
    {
        await using var place = await PrepareAsync("drain");
        await using var running = await StartAsync(place, settings: options => (options.Lease.Enabled, options.Lease.Namespace) = (true, place.Name));
        var gate = new TaskCompletionSource();
        _behavior.Reconcile = async (widget, _, token) =>
        {
            await gate.Task.WaitAsync(token);
            await running.Client.ApplyAsync(Owned(widget), FieldManager, force: true, token);
        };
        await CreateAsync(place, "a");
        await UntilAsync(() => _behavior.Count("reconcile a") == 1, "it is in work");

        var stopping = running.StopAsync();
        await CreateAsync(place, "late");
        gate.SetResult();
        await stopping;

        Assert.Equal(["reconcile a", "done a"], _behavior.Calls);
        var lease = await place.Client.CoordinationV1.ReadNamespacedLeaseAsync("controller", place.Name, cancellationToken: Token);
        Assert.Null(lease.Spec.HolderIdentity);
    }

    [Fact]
    public async Task Follower_ObjectsThere_KnowsThemAndReconcilesWhenItLeads()
    {
        await using var place = await PrepareAsync("follower");
        var other = new V1Lease
        {
            Metadata = new V1ObjectMeta { Name = "controller" },
            Spec = new V1LeaseSpec { HolderIdentity = "other", LeaseDurationSeconds = 3_600 },
        };
        await place.Client.CoordinationV1.CreateNamespacedLeaseAsync(other, place.Name, cancellationToken: Token);
        await CreateAsync(place, "a");
        await using var running = await StartAsync(place, settings: options => (options.Lease.Enabled, options.Lease.Namespace) = (true, place.Name));
        await UntilAsync(() => running.Get<Informer<V1Widget>>().Cache.Count == 1, "the follower knows the object");
        await Assert.ThrowsAsync<LeadershipLostException>(() => running.Client.DeleteAsync(running.Get<Informer<V1Widget>>().Cache.GetAll()[0], Token));
        Assert.Empty(_behavior.Calls);

        var released = new V1Patch("""{"spec":{"holderIdentity":null}}""", V1Patch.PatchType.MergePatch);
        await place.Client.CoordinationV1.PatchNamespacedLeaseAsync(released, other.Metadata.Name, place.Name, cancellationToken: Token);

        await UntilAsync(() => _behavior.Count("done a") == 1, "it is reconciled");
    }

    [Fact]
    public async Task Probes_CachesInStep_AreHealthy()
    {
        await using var place = await PrepareAsync("probes");
        await using var running = await StartAsync(place, one => one.Owns<V1ConfigMap>());
        await UntilAsync(() => running.Get<IEnumerable<IInformer>>().All(informer => informer.HasSynced), "the caches are in step");

        var report = await running.Get<HealthCheckService>().CheckHealthAsync(Token);

        Assert.Equal(HealthStatus.Healthy, report.Status);
        Assert.Equal(["informers", "workers"], report.Entries.Keys.Order());
        Assert.Equal(2, running.Get<IEnumerable<IInformer>>().Count());
    }

    [Fact]
    public async Task Event_Repeated_BecomesASeries()
    {
        await using var place = await PrepareAsync("events");
        await using var running = await StartAsync(place);
        await CreateAsync(place, "a");
        var widget = (await GetAsync(running, place, "a"))!;
        var recorder = running.Get<EventRecorder>();

        recorder.Record(widget, EventSeverity.Warning, "Tested", "Test", "It was tested.");
        await UntilAsync(async () => (await ListAsync()).Count == 1, "the event is there");
        Assert.Null((await ListAsync())[0].Series);
        recorder.Record(widget, EventSeverity.Warning, "Tested", "Test", "It was tested.");
        recorder.Record(widget, EventSeverity.Warning, "Tested", "Test", "It was tested.");

        await UntilAsync(async () => (await ListAsync())[0].Series?.Count == 3, "the series is counted");
        var written = Assert.Single(await ListAsync());
        Assert.Equal(("Warning", "Tested", "Test"), (written.Type, written.Reason, written.Action));
        Assert.Equal(("tests.urlshortener.dev/controller", widget.Metadata.Uid), (written.ReportingController, written.Regarding.Uid));

        // What kubectl sorts and counts by.
        var shown = Assert.Single((await place.Client.CoreV1.ListNamespacedEventAsync(place.Name, cancellationToken: Token)).Items);
        Assert.Equal(3, shown.Count);
        Assert.Equal(Seconds(shown.EventTime), Seconds(shown.FirstTimestamp));
        Assert.Equal(Seconds(shown.Series.LastObservedTime), Seconds(shown.LastTimestamp));

        // The older timestamps have whole seconds.
        static long Seconds(DateTime? time) => time!.Value.Ticks / TimeSpan.TicksPerSecond;

        async Task<IList<Eventsv1Event>> ListAsync() => (await place.Client.EventsV1.ListNamespacedEventAsync(place.Name, cancellationToken: Token)).Items;
    }

    private static V1ConfigMap Owned(V1Widget widget) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = widget.Metadata.Name,
                NamespaceProperty = widget.Metadata.NamespaceProperty,
                OwnerReferences =
                [
                    new V1OwnerReference
                    {
                        ApiVersion = widget.ApiVersion,
                        Kind = widget.Kind,
                        Name = widget.Metadata.Name,
                        Uid = widget.Metadata.Uid,
                        Controller = true,
                    },
                ],
            },
            Data = new Dictionary<string, string> { ["size"] = "1" },
        };

    private static V1Deployment Deployment(V1Widget widget, int? replicas)
    {
        var labels = new Dictionary<string, string> { ["app"] = widget.Metadata.Name };
        return new V1Deployment
        {
            Metadata = new V1ObjectMeta { Name = widget.Metadata.Name, NamespaceProperty = widget.Metadata.NamespaceProperty },
            Spec = new V1DeploymentSpec
            {
                Replicas = replicas,
                Selector = new V1LabelSelector { MatchLabels = labels },
                Template = new V1PodTemplateSpec
                {
                    Metadata = new V1ObjectMeta { Labels = labels },
                    Spec = new V1PodSpec { Containers = [new V1Container { Name = "app", Image = "example.com/app:1" }] },
                },
            },
        };
    }

    private static async Task CreateAsync(Place place, string name, int size = 1)
    {
        var widget = V1Widget.Build(place.Name, name, size);
        (widget.ApiVersion, widget.Kind) = ("tests.urlshortener.dev/v1", "Widget");
        await place.Admin.CustomObjects.CreateNamespacedCustomObjectAsync(
            widget,
            "tests.urlshortener.dev",
            "v1",
            place.Name,
            "widgets",
            cancellationToken: Token
        );
    }

    private static Task<V1Widget?> GetAsync(TestOperator running, Place place, string name) =>
        running.Client.GetAsync<V1Widget>(new ObjectKey(place.Name, name), Token);

    private async Task ReconcileAgainAsync(TestOperator running, Place place, string name, int times)
    {
        var trigger = running.Get<ReconcileTrigger<WidgetController>>();
        for (var i = 0; i < times; i++)
        {
            var before = _behavior.Count($"done {name}");
            trigger.Request(new ObjectKey(place.Name, name));
            await UntilAsync(() => _behavior.Count($"done {name}") > before, "it is reconciled again");
        }
    }

    private Task<TestOperator> StartAsync(Place place, Action<ControllerDefinition<V1Widget>>? configure = null, Action<RuntimeOptions>? settings = null) =>
        TestOperator.StartAsync(
            place.Kubeconfig,
            place.Name,
            services =>
                services
                    .AddSingleton(_behavior)
                    .AddController<V1Widget, WidgetController>(definition =>
                    {
                        // Metrics of tests that run side by side are told apart by it.
                        definition.Name = place.Name;
                        configure?.Invoke(definition);
                    }),
            settings
        );

    private async Task<Place> PrepareAsync(string name, bool asAdministrator = false)
    {
        var cluster = await fixture.GetAsync();
        var space = await cluster.CreateNamespaceAsync(name, Token);
        var all = new V1PolicyRule
        {
            ApiGroups = ["*"],
            Resources = ["*"],
            Verbs = ["*"],
        };
        var user = await cluster.MakeUserAsync(space.Name, "operator", [all], everywhere: false, Token);
        return new Place(cluster, space, asAdministrator ? new KubernetesUser("admin", cluster.Kubeconfig) : user);
    }

    /// <summary>A namespace, and a user who may do all in it and whose writes are told from others.</summary>
    private sealed class Place(KubernetesCluster cluster, KubernetesNamespace space, KubernetesUser user) : IAsyncDisposable
    {
        public string Name => space.Name;

        public string Kubeconfig => user.Kubeconfig;

        public IKubernetes Client { get; } = KubernetesCluster.CreateClient(user);

        public IKubernetes Admin { get; } = cluster.CreateClient();

        /// <summary>The user's writes, such as <c>patch widgets/status 200</c>.</summary>
        public async Task<IReadOnlyList<string>> ReadWritesAsync()
        {
            Assert.SkipUnless(cluster.IsLocal, "Writes are counted in the audit log of a control plane of local processes (KUBEBUILDER_ASSETS).");
            var writes = await cluster.ReadAuditAsync(one => one.User == user.Name && one.Namespace == space.Name && one.IsWrite, Token);
            return [.. writes.Select(one => $"{one.Verb} {one.Resource}{(one.Subresource.Length > 0 ? "/" : "")}{one.Subresource} {one.Code}")];
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            Admin.Dispose();
            await space.DisposeAsync();
        }
    }
}
