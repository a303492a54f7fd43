using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Redirects;
using UrlShortener.Runtime.Storage;
using UrlShortener.TestHarness.Product;
using Xunit;

namespace UrlShortener.Runtime.Tests.Redirects;

public sealed class HotRedirectTests : IAsyncLifetime
{
    private const string Code = "spring1";
    private const string Target = "https://example.com/a/long/path?with=query";

    private readonly TestFolder _folder = new();
    private WebApplication _app = null!;
    private RedirectEndpoint _redirects = null!;
    private ClickQueue _clicks = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = Startup.CreateBuilder([$"--Storage:DataDirectory={_folder.PathOf("data")}"]).Builder!;
        builder.Services.AddRuntime(builder.Configuration);
        _app = builder.Build();
        _app.Services.GetRequiredService<IDatabase>().Migrate();
        var link = new NewLink(Code, Target, null, 302, "{}");
        var store = _app.Services.GetRequiredService<ILinkStore>();
        await store.CreateAsync(new CreateLinks([link], null, TimeProvider.System.GetUtcNow(), () => Key.OnDemand(Code)), CancellationToken.None);
        _redirects = _app.Services.GetRequiredService<RedirectEndpoint>();
        _clicks = _app.Services.GetRequiredService<ClickQueue>();
        var cache = _app.Services.GetRequiredService<LinkCache>();
        await cache.LoadAsync(Code, CancellationToken.None);
        Assert.True(cache.TryGet(Code, out _));
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void Handle_Hot_RedirectsAndCapturesTheClick()
    {
        var context = NewContext("/" + Code);

        Assert.True(_redirects.TryHandleHot(context, out var answer));

        Assert.True(answer.IsCompletedSuccessfully);
        Assert.Equal((302, Target), (context.Response.StatusCode, context.Response.Headers.Location.ToString()));
        Assert.True(_clicks.TryTake(out var click));
        Assert.Equal(Code, click.ShortCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/other")]
    [InlineData("/SPRING1")]
    [InlineData("/spring1/")]
    [InlineData("/spring1/qr")]
    public void Handle_AnyOtherPath_IsLeftToRouting(string path)
    {
        var context = NewContext("/");
        context.Request.Path = path;

        Assert.False(_redirects.TryHandleHot(context, out _));

        Assert.False(_clicks.TryTake(out _));
    }

    [Fact]
    public void Handle_RequestWithASpan_IsLeftToRoutingWhichNamesIt()
    {
        using var span = new Activity("GET").Start();

        Assert.False(_redirects.TryHandleHot(NewContext("/" + Code), out _));
    }

    // Whatever the machine: what a redirect allocates is paid for by the collector.
    [Fact]
    public void Handle_Hot_AllocatesNothing()
    {
        const int requests = 20_000;
        var context = NewContext("/" + Code);
        long before = 0;
        for (var i = -requests; i < requests; i++)
        {
            if (i == 0)
                before = GC.GetAllocatedBytesForCurrentThread();
            if (!_redirects.TryHandleHot(context, out _))
                Assert.True(_app.Services.GetRequiredService<LinkCache>().TryGet(Code, out _));
            _clicks.TryTake(out _);
        }

        // What is held for a second is held anew each second.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / (double)requests, 0, 1);
    }

    private static DefaultHttpContext NewContext(string path)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = "GET";
        context.Request.Path = path;
        context.Request.Headers.UserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
        context.Request.Headers.Referer = "https://www.example.org/page";
        context.Connection.RemoteIpAddress = IPAddress.Loopback;
        return context;
    }
}
