using System.Diagnostics;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Embedded;

public sealed class BusyStoreTests : ProductTest
{
    // Five seconds of patience with the lock, twice when a turn had just begun, and a busy machine.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(13);

    [Fact]
    public async Task Store_WriteLockHeldByAnotherProcess_ReadsGoOnAndAllWritesAreTold503Soon()
    {
        var product = await StartAsync("--RateLimiting:Enterprise=1000000");
        var code = await product.Owner.CreateLinkAsync();
        object link = new { original_url = "https://example.com/busy" };

        await using (product.Stores.LockWrites())
        {
            var asked = Stopwatch.GetTimestamp();
            Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
            Assert.Equal(200, (await product.Owner.GetAsync($"/api/v1/urls/{code}")).Status);
            Assert.Equal(200, (await product.Owner.GetAsync("/api/v1/urls")).Status);
            Assert.Equal(200, (await product.Owner.GetAsync($"/api/v1/urls/{code}/stats")).Status);
            Assert.Equal(200, (await product.Anonymous.GetAsync($"/api/v1/urls/{code}/qr")).Status);

            // How long five reads take is what the machine adds.
            var reads = Stopwatch.GetElapsedTime(asked);
            await using var machine = MachineDelay.Watch(() => product.Anonymous.GetAsync("/health/live"));
            var started = Stopwatch.GetTimestamp();
            var replies = await Task.WhenAll([
                .. Enumerable.Range(0, 5).Select(_ => product.Owner.CreateAsync(link)),
                product.Owner.CreateManyAsync([link]),
                product.Owner.PatchAsync($"/api/v1/urls/{code}", link),
                product.Owner.DeleteAsync($"/api/v1/urls/{code}"),
            ]);
            var elapsed = Stopwatch.GetElapsedTime(started);
            var limit = Limit + (5 * reads) + (3 * machine.Longest);

            Assert.All(replies, reply => reply.ShouldBeProblem(503, "UNAVAILABLE"));
            Assert.All(replies, reply => Assert.NotNull(reply.Header("Retry-After")));
            Assert.True(elapsed < limit, $"The last of {replies.Length} writes was answered after {elapsed.TotalSeconds:0.0} s.");
            Assert.Equal(503, (await product.Anonymous.GetAsync("/health")).Status);
        }

        await Eventually.ReadAsync(() => product.Anonymous.GetAsync("/health"), reply => reply.Status == 200, "/health answers 200 once the lock is gone");
        Assert.Equal(201, (await product.Owner.CreateAsync(link)).Status);
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
    }
}
