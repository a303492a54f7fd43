using System.Collections.ObjectModel;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Trace;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Storage;
using UrlShortener.TestHarness.Product;
using UrlShortener.Tracing;
using Xunit;

namespace UrlShortener.Runtime.Tests.Tracing;

/// <summary>The product in this process, on a SQLite file, with its spans in memory.</summary>
internal sealed class TracedProduct : IAsyncDisposable
{
    /// <summary>Address that tells whether a request has a span.</summary>
    public const string ProbePath = "/~probe";

    private readonly TestFolder _folder;
    private readonly WebApplication _app;
    private readonly SpanList _spans;

    private TracedProduct(TestFolder folder, WebApplication app, SpanList spans)
    {
        _folder = folder;
        _app = app;
        _spans = spans;
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ActivityHeadersPropagator = null })
        {
            BaseAddress = new Uri(app.Urls.First()),
        };
    }

    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Starts one that sends its spans to an address that nobody listens on, too.</summary>
    public static Task<TracedProduct> StartTracedAsync(params string[] settings) =>
        StartAsync(["--Tracing:Endpoint=http://127.0.0.1:1", "--Tracing:SampleRatio=1", .. settings]);

    public static async Task<TracedProduct> StartAsync(params string[] settings)
    {
        var folder = new TestFolder();
        var spans = new SpanList();
        var (builder, errors) = Startup.CreateBuilder([
            "--urls=http://127.0.0.1:0",
            $"--Storage:DataDirectory={folder.PathOf("data")}",
            "--Logging:LogLevel:Default=None",
            .. settings,
        ]);
        Assert.Empty(errors);
        builder!.Services.AddRuntime(builder.Configuration);
        builder.Services.AddSingleton<TraceSetup>(tracing => tracing.AddInMemoryExporter(spans));
        var app = builder.Build();
        var database = app.Services.GetRequiredService<IDatabase>();
        database.Acquire();
        database.Prepare(isDevelopment: false);
        app.UseRuntime();
        app.MapGet(ProbePath, () => Activity.Current?.TraceId.ToString() ?? "none");
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TracedProduct(folder, app, spans);
    }

    /// <summary>Stores a link without a request.</summary>
    public async Task<string> StoreLinkAsync(string target)
    {
        var code = CodeGenerator.Generate(1)[0];
        var link = new NewLink(code, target, null, StatusCodes.Status302Found, "{}");
        await _app
            .Services.GetRequiredService<ILinkStore>()
            .CreateAsync(new CreateLinks([link], null, TimeProvider.System.GetUtcNow(), () => Key.OnDemand(code)), TestContext.Current.CancellationToken);
        return code;
    }

    /// <summary>Sends a request and waits for the end of its span.</summary>
    public async Task<(HttpResponseMessage Answer, IReadOnlyList<Activity> Spans)> SendAsync(HttpRequestMessage request)
    {
        var before = Of(_spans.ToArray()).Select(span => span.Id).ToHashSet();
        var answer = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        Activity? root = null;
        await Eventually.HoldsAsync(
            () => (root = Of(_spans.ToArray()).FirstOrDefault(span => span.Kind == ActivityKind.Server && !before.Contains(span.Id))) is not null,
            "the span of the request has ended"
        );
        return (answer, [.. Of(_spans.ToArray()).Where(span => span.TraceId == root!.TraceId).OrderBy(span => span.StartTimeUtc)]);
    }

    public Task<(HttpResponseMessage Answer, IReadOnlyList<Activity> Spans)> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(Request(HttpMethod.Get, path, headers));

    public static HttpRequestMessage Request(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers)
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        return request;
    }

    /// <summary>All spans so far.</summary>
    public IReadOnlyList<Activity> Spans => Of(_spans.ToArray());

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        _folder.Dispose();
    }

    // Tests beside these write clicks, too.
    private static IReadOnlyList<Activity> Of(IEnumerable<Activity> spans) => [.. spans.Where(span => span.Source.Name == Runtime.Telemetry.Spans.SourceName)];

    // The library's exporter adds while tests read.
    private sealed class SpanList : Collection<Activity>
    {
        private readonly Lock _lock = new();

        public Activity[] ToArray()
        {
            lock (_lock)
                return [.. Items];
        }

        protected override void InsertItem(int index, Activity item)
        {
            lock (_lock)
                Items.Add(item);
        }
    }
}
