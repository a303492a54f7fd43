using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Tracing;

namespace UrlShortener.Runtime.Tests.Tracing;

/// <summary>The middleware alone, with a listener that records everything.</summary>
internal sealed class HeardSpans : IDisposable
{
    private readonly ActivityListener _listener;
    private readonly IConfiguration _configuration;
    private readonly List<Activity> _spans = [];

    public HeardSpans(params string[] settings)
    {
        _configuration = new ConfigurationBuilder().AddCommandLine(settings).Build();
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Runtime.Telemetry.Spans.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                // Tests beside these write clicks.
                if (span.Kind == ActivityKind.Server)
                    _spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(_listener);
        Context.Request.Method = "GET";
        Context.Request.Protocol = "HTTP/2";
    }

    public DefaultHttpContext Context { get; } = new();

    public IReadOnlyList<Activity> Spans => _spans;

    public Task RunAsync(RequestDelegate handler) =>
        new TracingMiddleware(handler, new TracingOptions { SampleRatio = 1 }, new TrustedProxies(new ProxyOptions()), _configuration).InvokeAsync(Context);

    public void Dispose() => _listener.Dispose();
}
