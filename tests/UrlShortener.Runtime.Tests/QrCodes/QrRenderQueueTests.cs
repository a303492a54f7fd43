using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.QrCodes;
using Xunit;

namespace UrlShortener.Runtime.Tests.QrCodes;

public sealed class QrRenderQueueTests
{
    private const string Url = "https://sho.rt/aZ3x9Q";
    private static readonly QrSpec Spec = new(QrFormat.Png);

    [Fact]
    public async Task RenderAsync_MoreThanMayWait_RefusesTheRestAndDrawsOnePictureOnce()
    {
        using var cache = new QrCodeCache(new QrCodeOptions());
        var queue = new QrRenderQueue(cache);
        var etag = QrRenderer.ETag(Url, Spec);
        var token = TestContext.Current.CancellationToken;

        // Not started yet, so nothing leaves the queue.
        var waiting = Enumerable.Range(0, QrRenderQueue.Capacity).Select(_ => queue.RenderAsync(etag, Url, Spec, token)).ToList();
        Assert.Null(await queue.RenderAsync(etag, Url, Spec, token));
        Assert.All(waiting, render => Assert.False(render.IsCompleted));

        await queue.StartAsync(token);
        var files = await Task.WhenAll(waiting);
        Assert.All(files, file => Assert.Same(files[0], file));
        Assert.Equal(QrRenderer.Render(Url, Spec), files[0]);
        await queue.StopAsync(token);
    }

    [Fact]
    public async Task RenderAsync_CallerHasLeft_IsNotDrawn()
    {
        using var cache = new QrCodeCache(new QrCodeOptions());
        var queue = new QrRenderQueue(cache);
        using var aborted = new CancellationTokenSource();
        var left = queue.RenderAsync("\"a\"", Url, Spec, aborted.Token);
        var stays = queue.RenderAsync("\"b\"", Url, Spec, TestContext.Current.CancellationToken);
        await aborted.CancelAsync();

        await queue.StartAsync(TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<OperationCanceledException>(() => left);
        Assert.NotNull(await stays);
        Assert.Equal(1, cache.Count);
        await queue.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Cache_MorePicturesThanFit_StaysWithinItsBytes()
    {
        var options = new QrCodeOptions { CacheBytes = 1 << 20 };
        using var cache = new QrCodeCache(options);
        for (var number = 0; number < 1_000; number++)
            cache.Add($"\"{number}\"", new byte[10_000]);

        Assert.InRange(cache.Count, 1, options.CacheBytes / 10_000);
        Assert.Contains(Enumerable.Range(0, 1_000), number => cache.Find($"\"{number}\"") is not null);
    }
}
