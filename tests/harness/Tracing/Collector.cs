using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace UrlShortener.TestHarness.Tracing;

/// <summary>A collector of spans on loopback: OTLP, by HTTP or by gRPC.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private const string HttpPath = "/v1/traces";
    private const string GrpcPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    // A flag of compression and a length.
    private const int GrpcPrefix = 5;

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private readonly ConcurrentQueue<string> _credentials = new();

    private Collector(bool isGrpc)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = isGrpc ? HttpProtocols.Http2 : HttpProtocols.Http1)
        );
        _app = builder.Build();
        _app.Run(context => HandleAsync(context, isGrpc));
    }

    /// <summary>Its address.</summary>
    public string Endpoint { get; private set; } = "";

    /// <summary>What arrived.</summary>
    public IReadOnlyList<ReceivedSpan> Spans => [.. _spans];

    /// <summary>Values of the header Authorization, one for each request.</summary>
    public IReadOnlyList<string> Credentials => [.. _credentials];

    public static async Task<Collector> StartAsync(bool isGrpc = false)
    {
        var collector = new Collector(isGrpc);
        await collector._app.StartAsync();
        collector.Endpoint = collector._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return collector;
    }

    /// <summary>Waits for a span.</summary>
    public async Task<ReceivedSpan> WaitAsync(Func<ReceivedSpan, bool> isIt, string what)
    {
        ReceivedSpan? found = null;
        await Eventually.HoldsAsync(() => (found = _spans.FirstOrDefault(isIt)) is not null, $"the collector has {what}");
        return found!;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context, bool isGrpc)
    {
        if (context.Request.Path != (isGrpc ? GrpcPath : HttpPath))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        ReadOnlyMemory<byte> message = body.ToArray();
        if (isGrpc)
            message = message.Slice(GrpcPrefix, BinaryPrimitives.ReadInt32BigEndian(message.Span[1..]));
        foreach (var span in ReceivedSpan.ReadRequest(message))
            _spans.Enqueue(span);
        _credentials.Enqueue(context.Request.Headers.Authorization.ToString());
        context.Response.ContentType = isGrpc ? "application/grpc" : "application/x-protobuf";
        if (!isGrpc)
            return;
        // An empty answer.
        await context.Response.Body.WriteAsync(new byte[GrpcPrefix]);
        context.Response.AppendTrailer("grpc-status", "0");
    }
}
