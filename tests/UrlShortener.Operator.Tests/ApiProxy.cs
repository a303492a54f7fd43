using System.Net;
using System.Net.Http.Headers;
using System.Text;
using k8s;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Extensions.Logging;
using UrlShortener.TestServers.Kubernetes;

namespace UrlShortener.Operator.Tests;

/// <summary>A proxy between a client and the API server. A test can act after a request has left the client and before the server sees it.</summary>
internal sealed class ApiProxy : IAsyncDisposable
{
    private readonly k8s.Kubernetes _server;
    private readonly WebApplication _application;
    private readonly Func<HttpRequest, string, Task> _beforeAsync;

    // What each watch has sent; guarded by itself.
    private readonly List<StringBuilder> _watched = [];

    private ApiProxy(KubernetesCluster cluster, Func<HttpRequest, string, Task> beforeAsync)
    {
        _beforeAsync = beforeAsync;
        _server = new k8s.Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(cluster.Kubeconfig));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _application = builder.Build();
        _application.Run(ForwardAsync);
    }

    /// <summary>Address of the proxy. It needs no credentials.</summary>
    public string Address => _application.Urls.Single();

    /// <summary>Starts a proxy.</summary>
    /// <param name="cluster">The cluster behind it.</param>
    /// <param name="beforeAsync">Runs for each request, with its body, before the API server gets it.</param>
    public static async Task<ApiProxy> StartAsync(KubernetesCluster cluster, Func<HttpRequest, string, Task> beforeAsync)
    {
        var proxy = new ApiProxy(cluster, beforeAsync);
        await proxy._application.StartAsync();
        return proxy;
    }

    /// <summary>Returns when a watch has sent a version of an object to the client.</summary>
    public Task HasSentAsync(string version)
    {
        var text = $"\"resourceVersion\":\"{version}\"";
        return Eventually.HoldsAsync(
            () =>
            {
                lock (_watched)
                    return _watched.Exists(watch => watch.ToString().Contains(text, StringComparison.Ordinal));
            },
            $"a watch sends version {version}"
        );
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _server.Dispose();
    }

    private async Task ForwardAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        await _beforeAsync(context.Request, body);
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), new Uri(_server.BaseUri, context.Request.GetEncodedPathAndQuery()));
        if (body.Length > 0)
            request.Content = new StringContent(body, MediaTypeHeaderValue.Parse(context.Request.ContentType!));
        if (_server.Credentials is { } credentials)
            await credentials.ProcessHttpRequestAsync(request, context.RequestAborted);
        try
        {
            using var response = await _server.HttpClient.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
            context.Response.StatusCode = (int)response.StatusCode;
            context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
            // Watches are streams: each line must arrive when it is sent.
            await using var content = await response.Content.ReadAsStreamAsync(context.RequestAborted);
            await context.Response.StartAsync(context.RequestAborted);
            // One for each: what several send at once would stand within each other's words.
            var watch = context.Request.Query.ContainsKey("watch") ? new StringBuilder() : null;
            if (watch is not null)
            {
                lock (_watched)
                    _watched.Add(watch);
            }

            var buffer = new byte[64 * 1024];
            for (int count; (count = await content.ReadAsync(buffer, context.RequestAborted)) > 0; )
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, count), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                if (watch is not null)
                    lock (_watched)
                        watch.Append(Encoding.UTF8.GetString(buffer, 0, count));
            }
        }
        catch (Exception error) when (context.RequestAborted.IsCancellationRequested && error is OperationCanceledException or IOException)
        {
            // The client is gone.
        }
    }
}
