using System.Diagnostics;
using System.Globalization;
using System.Text;
using k8s;
using UrlShortener.ControllerRuntime.Tracing;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>
/// Sends requests to one API server. KubernetesClient supplies address, certificates and credentials; this class handles requests, time limits and decoding
/// in the same way for every kind.
/// </summary>
public sealed class ApiClient : IDisposable
{
    private const string Json = "application/json";

    private readonly Kubernetes _kubernetes;
    private readonly SocketsHttpHandler _handler;
    private readonly TimeSpan _timeout;

    /// <summary>Creates a client with its own connections.</summary>
    /// <param name="configuration">Address and credentials.</param>
    /// <param name="timeout">Maximum duration of a request, from its start to the last byte of the answer.</param>
    /// <param name="read">Reads the configuration again, after the cluster has replaced its certificate authority; null: it never changes.</param>
    /// <param name="maxAnswer">Most bytes of an answer; null: any. A longer one is an <see cref="HttpRequestException"/>.</param>
    public ApiClient(KubernetesClientConfiguration configuration, TimeSpan timeout, Func<KubernetesClientConfiguration>? read = null, long? maxAnswer = null)
    {
        _timeout = timeout;
        SocketsHttpHandler? handler = null;
        configuration.FirstMessageHandlerSetup = made => HttpSettings.Apply(handler = made);
        _kubernetes = new Kubernetes(configuration);
        _handler = handler!;
        if (maxAnswer is { } most)
            _kubernetes.HttpClient.MaxResponseContentBufferSize = most;
        if (read is not null)
            AuthorityTrust.Apply(_handler, configuration, read);
    }

    /// <summary>Reads the object at a path.</summary>
    /// <exception cref="ApiException">The server refused the request.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    /// <exception cref="HttpRequestException">The server cannot be reached.</exception>
    public Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) => SendAsync<T>(HttpMethod.Get, path, null, Json, cancellationToken);

    /// <summary>Sends an object and reads the answer. Throws like <see cref="GetAsync"/>.</summary>
    /// <param name="method">Method.</param>
    /// <param name="path">Path below the server's address, with the query.</param>
    /// <param name="body">Sent as JSON.</param>
    /// <param name="contentType">Type of the body; for a patch, the kind of patch.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <param name="token">Right to write: checked right before the request, and its remaining time limits the request.</param>
    /// <exception cref="LeadershipLostException">This process no longer leads.</exception>
    public async Task<T> SendAsync<T>(
        HttpMethod method,
        string path,
        object? body,
        string contentType,
        CancellationToken cancellationToken,
        FencingToken? token = null
    )
    {
        var timeout = token?.TimeLeft < _timeout ? token.TimeLeft : _timeout;
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timed.CancelAfter(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero);
        try
        {
            using var request = await BuildRequestAsync(method, path, body, contentType, timed.Token);
            token?.ThrowIfStale();
            using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, path, timed.Token);
            // The content is already in memory.
            await using var content = await response.Content.ReadAsStreamAsync(timed.Token);
            return KubernetesJson.Deserialize<T>(content);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw Late($"{method} {path}", timed.IsCancellationRequested ? timeout : HttpSettings.ConnectTimeout, late);
        }
    }

    /// <summary>Opens a watch. The time limit covers only the wait for the response headers. The caller disposes the response.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, CancellationToken cancellationToken)
    {
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timed.CancelAfter(_timeout);
        try
        {
            using var request = await BuildRequestAsync(HttpMethod.Get, path, null, Json, timed.Token);
            return await SendAsync(request, HttpCompletionOption.ResponseHeadersRead, path, timed.Token);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw Late($"The watch of {path}", timed.IsCancellationRequested ? _timeout : HttpSettings.ConnectTimeout, late);
        }
    }

    /// <summary>Closes the connections, which KubernetesClient would leave open.</summary>
    public void Dispose()
    {
        _kubernetes.Dispose();
        _handler.Dispose();
    }

    private static TimeoutException Late(string what, TimeSpan limit, Exception inner) =>
        new($"{what} got no answer within {limit.TotalSeconds:0.#} s.", inner);

    private async Task<HttpRequestMessage> BuildRequestAsync(
        HttpMethod method,
        string path,
        object? body,
        string contentType,
        CancellationToken cancellationToken
    )
    {
        var request = new HttpRequestMessage(method, new Uri(_kubernetes.BaseUri, path)) { Version = System.Net.HttpVersion.Version20 };
        if (body is not null)
            request.Content = new StringContent(KubernetesJson.Serialize(body), Encoding.UTF8, contentType);
        if (_kubernetes.Credentials is { } credentials)
            await credentials.ProcessHttpRequestAsync(request, cancellationToken);
        Spans.Propagate(request);
        return request;
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        HttpCompletionOption completion,
        string path,
        CancellationToken cancellationToken
    )
    {
        var started = Stopwatch.GetTimestamp();
        var code = "<error>";
        try
        {
            var response = await _kubernetes.HttpClient.SendAsync(request, completion, cancellationToken);
            code = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
            if (response.IsSuccessStatusCode)
                return response;
            using (response)
                throw ApiException.Of(request.Method, path, response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        }
        finally
        {
            ApiMetrics.Requests.WithLabels(code, request.Method.Method).Inc();
            ApiMetrics.RequestSeconds.WithLabels(request.Method.Method).Observe(Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
    }
}
