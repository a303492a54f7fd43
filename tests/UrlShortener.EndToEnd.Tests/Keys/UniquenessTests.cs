using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Keys;

public sealed partial class UniquenessTests : ProductTest
{
    // Single creations cost most of the time; they only have to draw on the pool beside the large requests.
    private const int Singles = 4_000;
    private const int BulkRequests = 96;
    private const int LinksPerRequest = 1_000;
    private const int Clients = 64;

    [Fact]
    [Trait("Case", "F-14")]
    public async Task F14_KgsKeyUniqueness_100000Creates_AllCodesDiffer()
    {
        var product = await StartAsync("--RateLimiting:Enabled=false", "--Keys:PoolSize=10000", "--Keys:LowWatermark=5000");
        var owner = product.Owner;
        var codes = new ConcurrentDictionary<string, bool>();
        var twice = new ConcurrentQueue<string>();
        var single = new { original_url = "https://example.com/single" };
        var bulk = new { urls = Enumerable.Repeat(new { original_url = "https://example.com/bulk" }, LinksPerRequest).ToList() };

        // Both at once, so that they draw on the pool together, and faster than it is filled.
        var remaining = Singles;
        var singles = Enumerable
            .Range(0, Clients)
            .Select(async _ =>
            {
                while (Interlocked.Decrement(ref remaining) >= 0)
                {
                    var reply = await owner.CreateAsync(single);
                    Assert.True(reply.Status == 201, reply.ToString());
                    Add(reply.Json);
                }
            });
        var bulks = Enumerable
            .Range(0, 2)
            .Select(async _ =>
            {
                for (var request = 0; request < BulkRequests / 2; request++)
                {
                    var reply = await owner.PostAsync("/api/v1/urls/bulk", bulk);
                    Assert.True(reply.Status == 201, reply.ToString());
                    foreach (var result in reply.Json.GetProperty("results").EnumerateArray())
                        Add(result);
                }
            });
        await Task.WhenAll([.. singles, .. bulks]);

        Assert.Empty(twice);
        Assert.Equal(Singles + (BulkRequests * LinksPerRequest), codes.Count);
        Assert.DoesNotContain(codes.Keys, code => !Form().IsMatch(code));
        await Eventually.ReadAsync(
            () => product.Anonymous.GetAsync("/health"),
            reply => reply.Json.GetProperty("status").GetString() == "healthy",
            "the key pool is filled again"
        );

        void Add(JsonElement link)
        {
            var code = link.GetProperty("short_code").GetString()!;
            if (!codes.TryAdd(code, true))
                twice.Enqueue(code);
        }
    }

    [GeneratedRegex(@"\A[0-9A-Za-z]{7}\z")]
    private static partial Regex Form();
}
