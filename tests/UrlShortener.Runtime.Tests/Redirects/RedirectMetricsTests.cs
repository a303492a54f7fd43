using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Redirects;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Tests.Caching;
using UrlShortener.Runtime.Tests.Regions;
using Xunit;
using ZiggyCreatures.Caching.Fusion;

namespace UrlShortener.Runtime.Tests.Redirects;

/// <summary>What is counted of redirects that end badly. No middleware runs for them.</summary>
[Collection(ProcessStateTestGroup.Name)]
public sealed class RedirectMetricsTests : IDisposable
{
    private readonly FakeLinkStore _store = new();
    private readonly LinkCache _cache;
    private readonly DefaultHttpContext _context = new();

    public RedirectMetricsTests()
    {
        _cache = new LinkCache(_store, new NoSharedLinkCache(), new KeyEpoch(), new CachingOptions(), NullLogger<FusionCache>.Instance);
        _context.Request.RouteValues["short_code"] = "abcd";
        _context.Request.Method = HttpMethods.Get;
    }

    public void Dispose() => _cache.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Redirect_AnswerThrows_CountsAs500(bool isInMemory)
    {
        if (isInMemory)
            await _cache.LoadAsync("abcd", TestContext.Current.CancellationToken);
        var endpoint = New(new BrokenClock());
        var before = Read(500);

        await Assert.ThrowsAsync<InvalidOperationException>(() => endpoint.HandleAsync(_context));

        Assert.Equal(before + 1, Read(500));
    }

    [Theory]
    [InlineData(false)]
    // The store failed, but nobody was there any more to be told.
    [InlineData(true)]
    public async Task Redirect_VisitorLeaves_IsNoErrorOfOurs(bool storeFails)
    {
        using var visitor = new CancellationTokenSource();
        _context.RequestAborted = visitor.Token;
        _store.Find = async (_, _) =>
        {
            await visitor.CancelAsync();
            return storeFails ? throw new IOException("down") : await new TaskCompletionSource<Link?>().Task.WaitAsync(TimeSpan.FromMinutes(1), visitor.Token);
        };
        var (aborted, failed) = (Read(499), Read(503));

        await New(TimeProvider.System).HandleAsync(_context);

        Assert.Equal((aborted + 1, failed), (Read(499), Read(503)));
    }

    private static double Read(int status) => new Runtime.Telemetry.MeasuredOperation(RedirectMetrics.Operation, isTimed: false).CountOf(status).Value;

    // What these requests do not reach is null.
    private RedirectEndpoint New(TimeProvider time) =>
        new(
            _cache,
            null!,
            new ClickQueue(new ClickOptions(), TestRegions.NewAccess()),
            new ClickOptions(),
            new RedirectOptions(),
            null!,
            null!,
            new NeverUnavailable(),
            time,
            NullLogger<RedirectEndpoint>.Instance
        );

    private sealed class NeverUnavailable : IFailureClassifier
    {
        public bool IsUnavailable(Exception error) => false;
    }

    private sealed class BrokenClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => throw new InvalidOperationException();
    }
}
