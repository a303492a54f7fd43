using System.Diagnostics;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

[Collection(nameof(QuietMachine))]
public sealed class BusyStoreTests : ProductTest
{
    // Postgres:WriteTimeout, twice when a group had just begun, and a busy machine.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(13);

    [Fact]
    public async Task Store_TablesLockedByAnotherSession_ReadsGoOnAndAllWritesAreTold503Soon()
    {
        var product = await StartAsync("--RateLimiting:Enterprise=1000000", "--Postgres:WriteTimeout=00:00:05");
        var code = await product.Owner.CreateLinkAsync();
        // The answer 503 says nothing of the outcome: a server too busy to hear of the end of a request carries it out once the lock is gone.
        var changed = await product.Owner.CreateLinkAsync();
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
        object link = new { original_url = "https://example.com/busy" };

        await using (await product.Stores.LockWritesAsync("urls", "kgs_keys", "users"))
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
                product.Owner.PatchAsync($"/api/v1/urls/{changed}", link),
                product.Owner.DeleteAsync($"/api/v1/urls/{changed}"),
            ]);
            var elapsed = Stopwatch.GetElapsedTime(started);
            var limit = Limit + (5 * reads) + (3 * machine.Longest);

            Assert.All(replies, reply => reply.ShouldBeProblem(503, "UNAVAILABLE"));
            Assert.All(replies, reply => Assert.NotNull(reply.Header("Retry-After")));
            Assert.True(elapsed < limit, $"The last of {replies.Length} writes was answered after {elapsed.TotalSeconds:0.0} s.");
            // Links are followed, none can be created.
            await Eventually.ReadAsync(
                () => product.Anonymous.GetAsync("/health"),
                reply => reply.Status == 200 && reply.Json.GetProperty("components").GetProperty("database").GetString() == "degraded",
                "/health says that the database is degraded"
            );
        }

        await Eventually.ReadAsync(
            () => product.Anonymous.GetAsync("/health"),
            reply => reply.Json.GetProperty("status").GetString() == "healthy",
            "/health says healthy once the lock is gone"
        );
        await Eventually.ReadAsync(() => product.Owner.CreateAsync(link), reply => reply.Status == 201, "links are created again");
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
    }
}
