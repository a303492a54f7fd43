using System.Net.Http.Headers;
using System.Text.Json;
using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.ControllerRuntime.Tracing;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Sends requests to workers of the key generation service. Returns errors as values, not as exceptions. The token is sent in one header and is used
/// nowhere else.</summary>
internal sealed class KgsClient(HttpClient http)
{
    /// <summary>Maximum time for an answer.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    /// <summary>Maximum size of an answer in bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Creates a client that limits the time and length of answers and follows no redirects.</summary>
    public static HttpClient CreateHttp() =>
        new(
            new SocketsHttpHandler
            {
                UseProxy = false,
                AllowAutoRedirect = false,
                PooledConnectionLifetime = TimeSpan.FromMinutes(1),
                // SendAsync sets the headers of a trace.
                ActivityHeadersPropagator = null,
            }
        )
        {
            Timeout = Timeout,
            MaxResponseContentBufferSize = MaxBytes,
        };

    /// <summary>Asks a worker for its state.</summary>
    public Task<KgsAnswer> ReadStatusAsync(V1Pod pod, string token, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, pod, "status", token, null, cancellationToken);

    /// <summary>Makes a worker fill the pool to its target now. May be repeated.</summary>
    public Task<KgsAnswer> RefillAsync(V1Pod pod, string token, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, pod, "refill", token, null, cancellationToken);

    /// <summary>Makes a worker open an epoch. May be repeated; fails when a newer one is in force.</summary>
    public Task<KgsAnswer> OpenEpochAsync(V1Pod pod, string token, int epoch, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, pod, "epochs", token, new OpenEpochRequest { Epoch = epoch }, cancellationToken);

    private async Task<KgsAnswer> SendAsync(HttpMethod method, V1Pod pod, string path, string token, object? body, CancellationToken cancellationToken)
    {
        var (name, address) = (pod.Metadata.Name, pod.Status.PodIP);
        if (token.AsSpan().ContainsAny('\r', '\n', '\0'))
            return new KgsAnswer(null, "The token of the workers contains a line break or NUL, which no request can have. Write its Secret again without it.");
        var host = address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;
        using var request = new HttpRequestMessage(method, new Uri($"http://{host}:{RuntimePod.ManagementPortOf(pod)}/kgs/v1/{path}"));
        // Without validation: the service refuses an invalid token, and no exception contains it.
        request.Headers.TryAddWithoutValidation("Authorization", new AuthenticationHeaderValue("Bearer", token).ToString());
        using var span = Spans.StartCall($"kgs {path}")?.SetTag("k8s.namespace.name", pod.Metadata.NamespaceProperty).SetTag("k8s.pod.name", name);
        Spans.Propagate(request);
        request.Content = body is null ? null : JsonContent.Create(body, options: Json);
        try
        {
            using var response = await http.SendAsync(request, cancellationToken);
            span?.SetTag("http.response.status_code", (int)response.StatusCode);
            if (!response.IsSuccessStatusCode)
                return new KgsAnswer(null, $"Pod {name} answered {path} with {(int)response.StatusCode}.");
            return await response.Content.ReadFromJsonAsync<KeyGenerationStatus>(Json, cancellationToken) is { } reading
                ? new KgsAnswer(reading, null)
                : new KgsAnswer(null, $"Pod {name} answered {path} with an empty body.");
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            span.Fail(late);
            return new KgsAnswer(null, $"Pod {name} did not answer {path} within {Timeout.TotalSeconds:0} s.");
        }
        catch (Exception error) when (PodAnswer.IsFailure(error))
        {
            span.Fail(error);
            return new KgsAnswer(null, $"Pod {name} sent an invalid answer to {path}, or none ({error.GetType().Name}).");
        }
    }
}
