using System.Text;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Fuzzing;

/// <summary>What fuzzing found once.</summary>
[Collection(nameof(FuzzGroup))]
public sealed class FoundTests : ProductTest
{
    private const string Urls = "/api/v1/urls";

    private readonly ProductProcess _product;
    private readonly FuzzTarget _target;

    public FoundTests(FuzzFixture fixture)
    {
        _product = Share(fixture.Product);
        _target = fixture.Target;
    }

    [Theory]
    // A broken name makes the whole body unreadable, a broken value its own item.
    [InlineData("""{"\uD800":1}""", 400)]
    [InlineData("""{"a":"\uDC00"}""", 207)]
    [InlineData("""{"a":[{"b\uD83D":null}]}""", 400)]
    public async Task Metadata_HalfASurrogatePair_Returns400(string metadata, int bulkStatus)
    {
        var body = $$"""{"original_url":"https://example.com/","metadata":{{metadata}}}""";

        (await _product.Owner.CreateAsync(Json(body))).ShouldBeProblem(400, "INVALID_REQUEST");
        (await _product.Owner.PatchAsync($"{Urls}/{_target.KnownCode}", Json(body))).ShouldBeProblem(400, "INVALID_REQUEST");
        Assert.Equal(bulkStatus, (await _product.Owner.PostAsync($"{Urls}/bulk", Json($$"""{"urls":[{{body}}]}"""))).Status);
    }

    [Fact]
    public async Task ExpiresAt_HalfASurrogatePair_Returns400() =>
        (await _product.Owner.PatchAsync($"{Urls}/{_target.KnownCode}", Json("""{"expires_at":"\uD800"}"""))).ShouldBeProblem(400, "INVALID_REQUEST");

    [Fact]
    public void Body_ChunkSizeThatNoNumberHolds_Returns400()
    {
        var answer = _target.Exchange(
            [
                .. _target.Head($"POST {Urls} HTTP/1.1", $"X-API-Key: {_product.ApiKey}", "Content-Type: application/json", "Transfer-Encoding: chunked"),
                .. "FFFFFFFFFFFFFFFF\r\na"u8,
            ],
            mustAnswer: true
        );

        Assert.Equal(400, answer.Status);
    }

    /// <summary>A client that goes away is no fault of ours, and the log is for those.</summary>
    [Fact]
    public async Task Body_ConnectionReset_IsNotLoggedAsAFailure()
    {
        var before = _product.AllOutput.Length;
        foreach (var _ in Enumerable.Range(0, 10))
        {
            using var client = await _target.ConnectAsync(TestContext.Current.CancellationToken);
            await client
                .GetStream()
                .WriteAsync(
                    _target.Head(
                        $"POST {Urls} HTTP/1.1",
                        $"X-API-Key: {_product.ApiKey}",
                        "Content-Type: application/json",
                        "Content-Length: 50",
                        "Expect: 100-continue"
                    ),
                    TestContext.Current.CancellationToken
                );
            // The interim answer says that the body is being read.
            Assert.NotEqual(0, await client.GetStream().ReadAsync(new byte[1], TestContext.Current.CancellationToken));
            client.Client.Close(timeout: 0);
        }

        await _target.AssertWellAsync(before);
        Assert.DoesNotContain(" fail: ", _product.AllOutput[before..], StringComparison.Ordinal);
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");
}
