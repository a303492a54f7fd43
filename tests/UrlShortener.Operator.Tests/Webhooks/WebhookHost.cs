using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using UrlShortener.Operator.Webhooks;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Webhooks;

/// <summary>The webhook in this process, and an API server that asks it about one namespace.</summary>
internal sealed class WebhookHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly IKubernetes _client;
    private int _requests;

    private WebhookHost(WebApplication app, IKubernetes client, WebhookOptions options)
    {
        _app = app;
        _client = client;
        Options = options;
    }

    /// <summary>Its settings.</summary>
    public WebhookOptions Options { get; }

    /// <summary>Where it is asked.</summary>
    public Uri Address => new($"https://127.0.0.1:{Options.Port}{AdmissionEndpoint.Path}");

    /// <summary>Resource and operation of each request that it answered.</summary>
    public ConcurrentQueue<string> Answered { get; } = new();

    /// <summary>Number of requests that reached it.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>What its readiness probe says of the webhook.</summary>
    public async Task<HealthReportEntry> CheckAsync() =>
        (await _app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken)).Entries["webhook"];

    /// <summary>What looks after its certificates.</summary>
    public CertificateWorker Worker => _app.Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<CertificateWorker>().Single();

    /// <summary>One look at the certificates, now.</summary>
    public Task LookAsync() => Worker.LookAsync(TestContext.Current.CancellationToken);

    /// <summary>Starts one that looks after its certificates every 100 ms, or, with a clock of its own, every day.</summary>
    /// <param name="cluster">A cluster of local processes: it must reach this process.</param>
    /// <param name="space">Namespace of the Secret, and the one that is asked about.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="configuration">Name of the configuration; null: one of its own.</param>
    /// <param name="answers">Whether it answers requests; otherwise it returns 503.</param>
    public static async Task<WebhookHost> StartAsync(
        KubernetesCluster cluster,
        string space,
        TimeProvider time,
        bool answers = true,
        string? configuration = null
    )
    {
        Assert.SkipUnless(cluster.IsLocal, "The API server must reach this process, as one of local processes does (KUBEBUILDER_ASSETS).");
        var options = new WebhookOptions
        {
            Port = Ports.Take(),
            Namespace = space,
            ExtraNames = ["127.0.0.1"],
            ConfigurationName = configuration ?? $"test-{space}",
            // A clock that is set forward by weeks makes every tick on the way.
            CheckInterval = time == TimeProvider.System ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromHours(24),
        };
        var client = cluster.CreateClient();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(time);
        builder.Services.AddSingleton(client);
        builder.Services.AddWebhooks(options);
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.ListenWebhooks());
        var app = builder.Build();
        var host = new WebhookHost(app, client, options);
        app.Use((context, next) => host.RecordAsync(context, answers ? next : null));
        app.MapWebhooks();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    /// <summary>Has the API server ask it about its namespace, and waits until that is in force.</summary>
    public async Task InstallAsync()
    {
        var token = TestContext.Current.CancellationToken;
        var label = new V1Patch(
            new { metadata = new { labels = new Dictionary<string, string> { ["webhook-test"] = Options.Namespace } } },
            V1Patch.PatchType.MergePatch
        );
        await _client.CoreV1.PatchNamespaceAsync(label, Options.Namespace, cancellationToken: token);
        var manifest = WebhookManifest.Build(Options.ConfigurationName, new JsonObject { ["url"] = Address.ToString() });
        manifest["webhooks"]![0]!["namespaceSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["webhook-test"] = Options.Namespace } };
        await _client.CustomObjects.CreateClusterCustomObjectAsync(
            manifest,
            "admissionregistration.k8s.io",
            "v1",
            "validatingwebhookconfigurations",
            cancellationToken: token
        );
        await Eventually.HoldsAsync(IsAskedAsync, "the API server asks the webhook");
    }

    /// <summary>The bundle that the API server is told.</summary>
    public async Task<string> ReadBundleAsync()
    {
        var configuration = await _client.AdmissionregistrationV1.ReadValidatingWebhookConfigurationAsync(
            Options.ConfigurationName,
            cancellationToken: TestContext.Current.CancellationToken
        );
        return System.Text.Encoding.UTF8.GetString(configuration.Webhooks[0].ClientConfig.CaBundle ?? []);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _client.AdmissionregistrationV1.DeleteCollectionValidatingWebhookConfigurationAsync(fieldSelector: $"metadata.name={Options.ConfigurationName}");
        _client.Dispose();
    }

    private async Task RecordAsync(HttpContext context, RequestDelegate? next)
    {
        Interlocked.Increment(ref _requests);
        if (next is null)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        using var body = new MemoryStream();
        // What is malformed or too long is for the endpoint to refuse.
        if (context.Request.ContentLength is > 0 and < 64 * 1024)
        {
            await context.Request.Body.CopyToAsync(body);
            body.Position = 0;
            context.Request.Body = body;
        }

        await next(context);
        if (context.Response.StatusCode == StatusCodes.Status200OK && JsonNode.Parse(body.ToArray())?["request"] is { } request)
            Answered.Enqueue($"{request["resource"]!["resource"]} {request["operation"]}");
    }

    // A region that only admission refuses, on every version of Kubernetes, and that is not stored.
    private async Task<bool> IsAskedAsync()
    {
        var spec = SpecJson.Merge(SpecJson.Minimal("ShortenerRegion"), JsonNode.Parse("""{"app": {"nodeSelector": {"a b": "c"}}}"""))!;
        try
        {
            await _client.CustomObjects.CreateNamespacedCustomObjectAsync(
                SpecJson.Object("ShortenerRegion", Options.Namespace, "probe", spec),
                "urlshortener.dev",
                "v1alpha1",
                Options.Namespace,
                "shortenerregions",
                dryRun: "All",
                cancellationToken: TestContext.Current.CancellationToken
            );
            return false;
        }
        catch (k8s.Autorest.HttpOperationException refused) when (refused.Response.Content.Contains("spec.app.nodeSelector", StringComparison.Ordinal))
        {
            return true;
        }
    }
}
