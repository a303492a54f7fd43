using System.Text;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Fuzzing;

/// <summary>What fuzzing found once.</summary>
public sealed class FoundTests : ProductTest, IClassFixture<FuzzFixture>
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
    [InlineData("""{"\uD800":1}""")]
    [InlineData("""{"a":"\uDC00"}""")]
    [InlineData("""{"a":[{"b\uD83D":null}]}""")]
    public async Task Metadata_HalfASurrogatePair_Returns400(string metadata)
    {
        var body = $$"""{"original_url":"https://example.com/","metadata":{{metadata}}}""";

        (await _product.Owner.CreateAsync(Json(body))).ShouldBeProblem(400, "INVALID_REQUEST");
        (await _product.Owner.PatchAsync($"{Urls}/{_target.KnownCode}", Json(body))).ShouldBeProblem(400, "INVALID_REQUEST");
        Assert.Equal(207, (await _product.Owner.PostAsync($"{Urls}/bulk", Json($$"""{"urls":[{{body}}]}"""))).Status);
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");
}
