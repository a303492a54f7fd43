using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using UrlShortener.TestServers.S3;

namespace UrlShortener.Operator.Tests.Backups;

/// <summary>Answers in the place of a storage: late, a byte at a time, or with 507 to what it would have to store.</summary>
internal sealed class StorageFaults : IAsyncDisposable
{
    private readonly S3Server _storage;
    private readonly WebApplication _application;
    private readonly X509Certificate2 _certificate;
    private readonly HttpClient _http = new(
        new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null },
        }
    );

    private static readonly TimeSpan BetweenBytes = TimeSpan.FromMilliseconds(500);

    private volatile Func<string, bool> _refuses = _ => false;
    private volatile Func<string, bool> _holds = _ => false;
    private long _delay;

    private StorageFaults(S3Server storage)
    {
        _storage = storage;
        using var certificate = X509Certificate2.CreateFromPem(storage.Certificate, storage.CertificateKey);
        _certificate = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, 0, listener => listener.UseHttps(_certificate));
        });
        _application = builder.Build();
        _application.Run(AnswerAsync);
    }

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port => new Uri(_application.Urls.Single()).Port;

    /// <summary>Which paths cannot be written, because the storage is full.</summary>
    public Func<string, bool> Refuses
    {
        set => _refuses = value;
    }

    /// <summary>Which paths are read a byte at a time, so that whoever reads them neither ends nor gives up.</summary>
    public Func<string, bool> Holds
    {
        set => _holds = value;
    }

    /// <summary>How long each answer takes.</summary>
    public TimeSpan Delay
    {
        get => new(Interlocked.Read(ref _delay));
        set => Interlocked.Exchange(ref _delay, value.Ticks);
    }

    /// <summary>Starts it.</summary>
    /// <param name="storage">The storage.</param>
    public static async Task<StorageFaults> StartAsync(S3Server storage)
    {
        var faults = new StorageFaults(storage);
        await faults._application.StartAsync();
        return faults;
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _certificate.Dispose();
        _http.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        try
        {
            await Task.Delay(Delay, context.RequestAborted);
            if (HttpMethods.IsPut(context.Request.Method) && _refuses(context.Request.Path))
            {
                await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
                context.Response.StatusCode = StatusCodes.Status507InsufficientStorage;
                await context.Response.WriteAsync(
                    "<Error><Code>XMinioStorageFull</Code><Message>The storage is full.</Message></Error>",
                    context.RequestAborted
                );
                return;
            }

            await ForwardAsync(context);
        }
        catch (Exception error) when (context.RequestAborted.IsCancellationRequested && error is OperationCanceledException or IOException)
        {
            // The client is gone.
        }
    }

    private async Task ForwardAsync(HttpContext context)
    {
        // The client has signed the path as it wrote it.
        var target = new Uri(
            string.Create(
                CultureInfo.InvariantCulture,
                $"https://{S3Server.Host}:{_storage.Port}{context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget}"
            ),
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }
        );
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), target);
        if (context.Request.ContentLength is { } length)
        {
            request.Content = new StreamContent(context.Request.Body);
            request.Content.Headers.ContentLength = length;
        }

        foreach (var (name, value) in context.Request.Headers.Where(header => header.Key != "Content-Length"))
        {
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)value))
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)value);
        }

        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, value) in answer.Headers.Concat(answer.Content.Headers).Where(header => header.Key is not ("Connection" or "Transfer-Encoding")))
            context.Response.Headers[name] = value.ToArray();
        if (!HttpMethods.IsHead(context.Request.Method))
            await CopyAsync(answer.Content, context);
    }

    private async Task CopyAsync(HttpContent content, HttpContext context)
    {
        await using var source = await content.ReadAsStreamAsync(context.RequestAborted);
        var one = new byte[1];
        while (_holds(context.Request.Path) && await source.ReadAsync(one, context.RequestAborted) > 0)
        {
            await context.Response.Body.WriteAsync(one, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(BetweenBytes, context.RequestAborted);
        }

        await source.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
