using System.Diagnostics;
using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Trace;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Tests.Hosting;
using UrlShortener.ControllerRuntime.Tests.Informers;
using UrlShortener.ControllerRuntime.Tracing;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Tracing;

/// <summary>Spans of controllers on a real API server.</summary>
public sealed class ReconcileSpanTests(RuntimeClusterFixture fixture) : RuntimeTest
{
    private const string Secret = "SECRET-of-the-object";

    private readonly WidgetBehavior _behavior = new();

    // The exporter adds under its own lock, and the tests read after everything has ended.
    private readonly List<Activity> _spans = [];

    [Fact]
    public async Task Reconcile_ThatReadsAndWrites_HasASpanForEachRequest()
    {
        var cluster = await fixture.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("spans", Token);
        await ReconcileOnceAsync(
            cluster,
            space,
            async (running, widget, token) =>
            {
                var map = new V1ConfigMap
                {
                    Metadata = new V1ObjectMeta { Name = widget.Metadata.Name, NamespaceProperty = space.Name },
                    Data = new Dictionary<string, string> { ["key"] = Secret },
                };
                await running.Client.ApplyAsync(map, FieldManager, force: true, token);
                await running.Client.GetAsync<V1ConfigMap>(ObjectKey.Of(map), token);
                await running.Client.ListAsync<V1ConfigMap>(space.Name, ("labelSelector", "a=b"), token);
            }
        );

        var reconcile = _spans.First(span => span.DisplayName == $"reconcile {space.Name}");
        Assert.Equal((default, "success"), (reconcile.ParentSpanId, Tag(reconcile, "reconcile.result")));
        Assert.Equal(("Widget", space.Name, "a"), Object(reconcile));
        var requests = _spans.Where(span => span.TraceId == reconcile.TraceId && span != reconcile).ToList();
        Assert.All(requests, request => Assert.Equal((reconcile.SpanId, ActivityKind.Client), (request.ParentSpanId, request.Kind)));
        Assert.Equal(["apply ConfigMap", "get ConfigMap", "list ConfigMap"], requests.Select(request => request.DisplayName).Order());
        var write = requests.Single(request => request.DisplayName == "apply ConfigMap");
        Assert.Equal(("ConfigMap", space.Name, "a"), Object(write));
        Assert.Equal("written", Tag(write, "write.outcome"));
        // Watches and leases, also those of tests beside this one, are in no trace; and no object is in any.
        Assert.All(_spans.Where(span => span.ParentSpanId == default), root => Assert.StartsWith("reconcile ", root.DisplayName, StringComparison.Ordinal));
        Assert.DoesNotContain(_spans.SelectMany(span => span.TagObjects), tag => tag.Value?.ToString()?.Contains(Secret, StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task Reconcile_ThatTheServerRefuses_IsAnErrorWithTheTypeAlone()
    {
        var cluster = await fixture.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("spans-refused", Token);
        await ReconcileOnceAsync(
            cluster,
            space,
            (running, _, token) =>
                running.Client.ApplyAsync(
                    new V1ConfigMap
                    {
                        Metadata = new V1ObjectMeta { Name = $"{Secret}!", NamespaceProperty = space.Name },
                    },
                    FieldManager,
                    force: true,
                    token
                )
        );

        var reconcile = _spans.First(span => span.DisplayName == $"reconcile {space.Name}");
        Assert.Equal((ActivityStatusCode.Error, "error"), (reconcile.Status, Tag(reconcile, "reconcile.result")));
        Assert.Equal(typeof(ApiException).FullName, Tag(reconcile, "error.type"));
        var write = _spans.First(span => span.ParentSpanId == reconcile.SpanId);
        Assert.Equal((ActivityStatusCode.Error, "refused", "422"), (write.Status, Tag(write, "write.outcome"), Tag(write, "http.response.status_code")));
        Assert.All([reconcile, write], span => Assert.Null(span.StatusDescription));
    }

    [Fact]
    public async Task Request_WithinASpan_NamesThatSpanToTheServer()
    {
        string? received = null;
        await using var server = await StubApiServer.StartAsync(
            (context, _) =>
            {
                received = context.Request.Headers.TraceParent;
                return Task.CompletedTask;
            }
        );
        using var client = server.Connect();
        using (await client.OpenAsync("/api/v1/configmaps?watch=1", Token))
            Assert.Equal("", received ?? "");

        using var span = new Activity("work").SetIdFormat(ActivityIdFormat.W3C).Start();
        using (await client.OpenAsync("/api/v1/configmaps?watch=1", Token))
            Assert.Equal(span.Id, received);
    }

    [Fact]
    public void Span_TracesAreOff_AllocatesNothing()
    {
        // Of other names than the tests beside this one listen to.
        using var work = new Activity("work").Start();
        Assert.Null(Spans.StartCall("call"));
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1_000; i++)
            Assert.Null(Spans.StartCall("call"));

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private async Task ReconcileOnceAsync(KubernetesCluster cluster, KubernetesNamespace space, Func<TestOperator, V1Widget, CancellationToken, Task> reconcile)
    {
        using var tracing = Sdk.CreateTracerProviderBuilder().AddSource(Spans.SourceName).SetSampler(new AlwaysOnSampler()).AddInMemoryExporter(_spans).Build();
        await using var running = await TestOperator.StartAsync(
            cluster.Kubeconfig,
            space.Name,
            services => services.AddSingleton(_behavior).AddController<V1Widget, WidgetController>(definition => definition.Name = space.Name)
        );
        _behavior.Reconcile = (widget, call, token) => call == 1 ? reconcile(running, widget, token) : Task.CompletedTask;
        using var admin = cluster.CreateClient();
        var widget = V1Widget.Build(space.Name, "a", 1);
        (widget.ApiVersion, widget.Kind) = ("tests.urlshortener.dev/v1", "Widget");
        await admin.CustomObjects.CreateNamespacedCustomObjectAsync(widget, "tests.urlshortener.dev", "v1", space.Name, "widgets", cancellationToken: Token);
        await UntilAsync(() => _behavior.Count("reconcile a") > 0, "the object is reconciled");
        await running.StopAsync();
    }

    private static (string? Kind, string? Namespace, string? Name) Object(Activity span) =>
        (Tag(span, "k8s.object.kind"), Tag(span, "k8s.namespace.name"), Tag(span, "k8s.object.name"));

    private static string? Tag(Activity span, string name) => span.GetTagItem(name)?.ToString();
}
