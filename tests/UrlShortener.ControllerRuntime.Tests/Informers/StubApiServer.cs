using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using k8s;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using UrlShortener.ControllerRuntime.Api;

namespace UrlShortener.ControllerRuntime.Tests.Informers;

/// <summary>Answers lists with one object and each watch as a test says: for faults that a real API server cannot be made to show. It speaks HTTP/2, as that
/// does.</summary>
internal sealed class StubApiServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly X509Certificate2 _certificate;
    private readonly Func<HttpContext, int, Task> _watchAsync;
    private int _lists;
    private int _watches;

    private StubApiServer(Func<HttpContext, int, Task> watchAsync)
    {
        _watchAsync = watchAsync;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _certificate = MakeCertificate();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(_certificate)));
        _application = builder.Build();
        _application.MapGet("/api/v1/configmaps", AnswerAsync);
    }

    public int Lists => _lists;

    public int Watches => _watches;

    public static async Task<StubApiServer> StartAsync(Func<HttpContext, int, Task> watchAsync)
    {
        var server = new StubApiServer(watchAsync);
        await server._application.StartAsync();
        return server;
    }

    public ApiClient Connect() => new(new KubernetesClientConfiguration { Host = _application.Urls.Single(), SkipTlsVerify = true }, TimeSpan.FromMinutes(1));

    public static string Line(string type, string name, int version) =>
        $$$$"""{"type":"{{{{type}}}}","object":{"metadata":{"name":"{{{{name}}}}","namespace":"space","uid":"{{{{name}}}}","resourceVersion":"{{{{version}}}}"}}}"""
        + "\n";

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _certificate.Dispose();
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddMinutes(-5), now.AddHours(1));
    }

    private Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Protocol != HttpProtocol.Http2)
            throw new InvalidOperationException($"The client speaks {context.Request.Protocol}.");
        if (context.Request.Query.ContainsKey("watch"))
            return _watchAsync(context, Interlocked.Increment(ref _watches));
        Interlocked.Increment(ref _lists);
        return context.Response.WriteAsync(
            """
            {"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"listed","namespace":"space","uid":"1","resourceVersion":"1"}}]}
            """
        );
    }
}
