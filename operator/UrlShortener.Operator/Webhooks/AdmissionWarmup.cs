using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using k8s;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Webhooks;

/// <summary>
/// Sends admission requests of each kind and operation to this process, over its own port, before the process is ready. The first request compiles and loads
/// code; on a busy machine that could take longer than the API server waits, and the failure policy would then allow an invalid object.
/// </summary>
internal sealed class AdmissionWarmup(
    ServingCertificate serving,
    WebhookOptions options,
    OwnAddress address,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<AdmissionWarmup> logger
) : BackgroundService
{
    /// <summary>Uid of its requests, which are neither logged nor counted.</summary>
    public const string Uid = "warm-up";

    // The second round runs the code that the first one compiled.
    private const int Rounds = 2;

    // Much longer than a first request takes.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    // One valid and one invalid specification of each kind.
    private static readonly (string Plural, string Object)[] Objects =
    [
        (V1Alpha1ShortenerRegion.KubePlural, Region("1")),
        (V1Alpha1ShortenerRegion.KubePlural, Region("a b")),
        (V1Alpha1KeyPool.KubePlural, KeyPool(10_000)),
        (V1Alpha1KeyPool.KubePlural, KeyPool(1_000_000_000)),
    ];

    private volatile bool _isDone;

    /// <summary>Whether every request was answered.</summary>
    public bool IsDone => _isDone;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listening = lifetime.ApplicationStarted.Register(() => started.TrySetResult());
        try
        {
            await started.Task.WaitAsync(stoppingToken);
            await serving.WaitAsync(stoppingToken);
            while (!await TryRunAsync(stoppingToken))
                await Task.Delay(RetryDelay, time, stoppingToken);
            _isDone = true;
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }
    }

    private static string Region(string label) =>
        $$$"""
            {"apiVersion": "{{{ApiGroup.ApiVersion}}}", "kind": "{{{V1Alpha1ShortenerRegion.KubeKind}}}", "metadata": {"name": "{{{Uid}}}", "namespace": "{{{Uid}}}"},
             "spec": {"region": "{{{Uid}}}", "app": {"image": "{{{Uid}}}:1", "nodeSelector": {"warm": "{{{label}}}"}},
                      "connections": {"postgresSecretRef": {"name": "{{{Uid}}}"}, "redisSecretRef": {"name": "{{{Uid}}}"}}, "traffic": {"hostnames": ["sho.rt"]} } }
            """;

    private static string KeyPool(int lowWatermark) =>
        $$$"""
            {"apiVersion": "{{{ApiGroup.ApiVersion}}}", "kind": "{{{V1Alpha1KeyPool.KubeKind}}}", "metadata": {"name": "{{{Uid}}}", "namespace": "{{{Uid}}}"},
             "spec": {"regionRef": {"name": "{{{Uid}}}"}, "lowWatermark": {{{lowWatermark}}} } }
            """;

    private static string Review(string plural, string operation, string item)
    {
        // The old object differs, so that the specification is validated.
        var former = JsonNode.Parse(item)!;
        former["spec"]!["former"] = true;
        return new JsonObject
        {
            ["apiVersion"] = AdmissionReview.Version,
            ["kind"] = AdmissionReview.KubeKind,
            ["request"] = new JsonObject
            {
                ["uid"] = Uid,
                ["resource"] = new JsonObject
                {
                    ["group"] = ApiGroup.Name,
                    ["version"] = ApiGroup.Version,
                    ["resource"] = plural,
                },
                ["name"] = Uid,
                ["namespace"] = Uid,
                ["operation"] = operation,
                ["userInfo"] = new JsonObject { ["username"] = Uid },
                ["object"] = operation == "DELETE" ? null : JsonNode.Parse(item),
                ["oldObject"] = operation == "CREATE" ? null : former,
            },
        }.ToJsonString();
    }

    private async Task<bool> TryRunAsync(CancellationToken stoppingToken)
    {
        var began = time.GetTimestamp();
        using var http = new HttpClient(
            new SocketsHttpHandler
            {
                UseProxy = false,
                SslOptions =
                {
                    // The process calls itself, so it accepts exactly its own certificate.
                    RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == serving.Current!.Thumbprint,
                    TargetHost = options.Profile.Names[0],
                },
            }
        )
        {
            Timeout = Timeout,
        };
        try
        {
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var version in (Version[])[HttpVersion.Version20, HttpVersion.Version11])
                {
                    foreach (var (plural, item) in Objects)
                    {
                        foreach (var operation in (string[])["CREATE", "UPDATE", "DELETE"])
                            await SendAsync(http, version, Review(plural, operation, item), stoppingToken);
                    }
                }
            }
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !stoppingToken.IsCancellationRequested))
        {
            Log.WarmupFailed(logger, error);
            return false;
        }

        var elapsed = time.GetElapsedTime(began).TotalMilliseconds;
        Log.WarmedUp(logger, elapsed);
        return true;
    }

    private async Task SendAsync(HttpClient http, Version version, string review, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address.Uri)
        {
            Version = version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent(review, Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        };
        using var answer = await http.SendAsync(request, cancellationToken);
        answer.EnsureSuccessStatusCode();
        KubernetesJson.Deserialize<AdmissionReview>(await answer.Content.ReadAsStringAsync(cancellationToken));
    }
}

/// <summary>The webhook's address in this process.</summary>
/// <param name="Uri">With the path.</param>
internal sealed record OwnAddress(Uri Uri)
{
    /// <summary>The address of a listener; null: it listens on all addresses.</summary>
    public static OwnAddress Of(IPAddress? address, int port) =>
        new(new UriBuilder(Uri.UriSchemeHttps, (address ?? IPAddress.Loopback).ToString(), port, AdmissionEndpoint.Path).Uri);
}
