using BenchmarkDotNet.Attributes;
using UrlShortener.Runtime;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Redirects;
using UrlShortener.Runtime.Storage;

namespace UrlShortener.Benchmarks;

/// <summary>The hot path without the server around it: what our code adds to a request.</summary>
[MemoryDiagnoser]
public class RedirectBenchmarks
{
    private const string Code = "bench01";
    private readonly DefaultHttpContext _context = new();
    private string _directory = "";
    private WebApplication _app = null!;
    private RedirectEndpoint _endpoint = null!;
    private LinkCache _cache = null!;
    private ClickQueue _queue = null!;

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        _directory = Directory.CreateTempSubdirectory("shortener-bench-").FullName;
        var builder = Startup.CreateBuilder([$"--Storage:DataDirectory={_directory}"]).Builder!;
        builder.Services.AddRuntime(builder.Configuration);
        _app = builder.Build();
        _app.Services.GetRequiredService<IDatabase>().Migrate();
        var store = _app.Services.GetRequiredService<ILinkStore>();
        var link = new NewLink(Code, "https://example.com/a/long/path?with=query", null, 302, "{}");
        await store.CreateAsync(new CreateLinks([link], null, TimeProvider.System.GetUtcNow(), () => Key.OnDemand(Code)), CancellationToken.None);
        _endpoint = _app.Services.GetRequiredService<RedirectEndpoint>();
        _cache = _app.Services.GetRequiredService<LinkCache>();
        _queue = _app.Services.GetRequiredService<ClickQueue>();
        await _cache.LoadAsync(Code, CancellationToken.None);

        _context.Request.Method = "GET";
        _context.Request.Headers.UserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
        _context.Request.Headers.Referer = "https://www.example.org/page";
        _context.Connection.RemoteIpAddress = System.Net.IPAddress.Loopback;
        _context.Request.Path = "/" + Code;
        _context.Request.RouteValues = new RouteValueDictionary { ["short_code"] = Code };
    }

    [GlobalCleanup]
    public async Task CleanUpAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A redirect of a hot link, before routing, with its click captured and taken out again, as the writer does.</summary>
    [Benchmark]
    public Task HotRedirect()
    {
        if (!_endpoint.TryHandleHot(_context, out var answer))
            answer = _endpoint.HandleAsync(_context);
        _queue.TryTake(out _);
        return answer;
    }

    /// <summary>The lookup in it.</summary>
    [Benchmark]
    public bool HotHit() => _cache.TryGetHot(Code, System.Diagnostics.Stopwatch.GetTimestamp(), out _);

    /// <summary>A cached redirect with its click captured and taken out again, as the writer does.</summary>
    [Benchmark]
    public Task CachedRedirect()
    {
        var answer = _endpoint.HandleAsync(_context);
        _queue.TryTake(out _);
        return answer;
    }

    /// <summary>The lookup in that.</summary>
    [Benchmark]
    public bool CacheHit() => _cache.TryGet(Code, out _);
}
