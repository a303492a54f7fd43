using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Links;

public sealed class IdempotencyTests : ProductTest, IClassFixture<ProductFixture>
{
    private const string Header = "X-Idempotency-Key";
    private const string ReplayedHeader = "Idempotency-Replayed";

    private readonly ProductProcess _product;

    public IdempotencyTests(ProductFixture fixture) => _product = Share(fixture.Product);

    private static (string, string) NewKey() => (Header, Guid.NewGuid().ToString());

    [Fact]
    [Trait("Case", "F-13")]
    public async Task F13_Idempotency_SameKeyAndBody_GivesTheSameAnswerByteForByte()
    {
        var user = await _product.CreateUserAsync(NewEmail());
        var key = NewKey();
        var body = new { original_url = "https://example.com/once", expires_in_days = 7 };

        var first = await user.CreateAsync(body, key);
        var second = await user.CreateAsync(body, key);

        Assert.Equal(201, first.Status);
        Assert.Null(first.Header(ReplayedHeader));
        Assert.Equal(201, second.Status);
        Assert.Equal("true", second.Header(ReplayedHeader));
        Assert.Equal(first.Body, second.Body);
        Assert.Equal(first.Header("Location"), second.Header("Location"));
        Assert.Equal(first.Header("Content-Type"), second.Header("Content-Type"));
        Assert.Equal(1, (await user.GetAsync("/api/v1/urls")).Json.GetProperty("urls").GetArrayLength());
    }

    /// <summary>The standard's name and the specification's are one key.</summary>
    [Fact]
    [Trait("Case", "F-13")]
    public async Task F13_Idempotency_EitherHeader_IsTheSameKey()
    {
        var user = await _product.CreateUserAsync(NewEmail());
        var key = Guid.NewGuid().ToString();
        var body = new { original_url = "https://example.com/once" };

        var first = await user.CreateAsync(body, ("Idempotency-Key", key));
        var second = await user.CreateAsync(body, (Header, key));
        var both = await user.CreateAsync(body, (Header, key), ("Idempotency-Key", key));
        var contradiction = await user.CreateAsync(body, (Header, key), ("Idempotency-Key", "another"));

        Assert.Equal(201, first.Status);
        Assert.Equal("true", second.Header(ReplayedHeader));
        Assert.Equal(first.Body, second.Body);
        Assert.Equal(first.Body, both.Body);
        Assert.Equal("Idempotency-Key", contradiction.ShouldBeProblem(400, "INVALID_REQUEST").GetProperty("errors")[0].GetProperty("field").GetString());
        Assert.Equal(1, (await user.GetAsync("/api/v1/urls")).Json.GetProperty("urls").GetArrayLength());
    }

    [Fact]
    [Trait("Case", "F-13")]
    public async Task F13_Idempotency_SameKeyOtherBody_Returns422()
    {
        var user = await _product.CreateUserAsync(NewEmail());
        var key = NewKey();
        Assert.Equal(201, (await user.CreateAsync(new { original_url = "https://example.com/one" }, key)).Status);

        (await user.CreateAsync(new { original_url = "https://example.com/two" }, key)).ShouldBeProblem(422, "IDEMPOTENCY_KEY_REUSED");
        (await user.CreateManyAsync([new { original_url = "https://example.com/one" }], key)).ShouldBeProblem(422, "IDEMPOTENCY_KEY_REUSED");

        Assert.Equal(1, (await user.GetAsync("/api/v1/urls")).Json.GetProperty("urls").GetArrayLength());
    }

    [Fact]
    [Trait("Case", "F-13")]
    public async Task F13_Idempotency_KeyReusedForABadRequest_Returns422()
    {
        var user = await _product.CreateUserAsync(NewEmail());
        var key = NewKey();
        Assert.Equal(201, (await user.CreateAsync(new { original_url = "https://example.com/one" }, key)).Status);

        (await user.CreateAsync(new { original_url = "nonsense" }, key)).ShouldBeProblem(422, "IDEMPOTENCY_KEY_REUSED");
        (await user.CreateManyAsync([new { original_url = "nonsense" }], key)).ShouldBeProblem(422, "IDEMPOTENCY_KEY_REUSED");
    }

    [Fact]
    [Trait("Case", "F-13")]
    public async Task F13_Idempotency_SameKeyOfTwoUsers_AreTwoKeys()
    {
        var other = await _product.CreateUserAsync(NewEmail());
        var key = NewKey();
        var body = new { original_url = "https://example.com/once" };

        var mine = await _product.Owner.CreateAsync(body, key);
        var theirs = await other.CreateAsync(body, key);

        Assert.Equal(201, theirs.Status);
        Assert.Null(theirs.Header(ReplayedHeader));
        Assert.NotEqual(mine.Json.GetProperty("short_code").GetString(), theirs.Json.GetProperty("short_code").GetString());
    }

    [Fact]
    [Trait("Case", "F-13")]
    public async Task F13_Idempotency_TwentyTwinsAtOnce_MakeOneLink()
    {
        var user = await _product.CreateUserAsync(NewEmail());
        var key = NewKey();
        var body = new { original_url = "https://example.com/twins" };

        var replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => user.CreateAsync(body, key)));

        Assert.All(replies, reply => Assert.Equal(201, reply.Status));
        Assert.Single(replies.Select(reply => reply.Text).Distinct());
        Assert.Single(replies, reply => reply.Header(ReplayedHeader) is null);
        Assert.Equal(1, (await user.GetAsync("/api/v1/urls")).Json.GetProperty("urls").GetArrayLength());
    }

    [Fact]
    [Trait("Case", "F-13")]
    public async Task F13_Idempotency_FirstTryCreatedNothing_KeyIsFree()
    {
        var taken = NewAlias();
        Assert.Equal(201, (await _product.Owner.CreateAsync(new { original_url = "https://example.com/", custom_alias = taken })).Status);
        var key = NewKey();

        (await _product.Owner.CreateAsync(new { original_url = "nonsense" }, key)).ShouldBeProblem(400, "INVALID_URL");
        (await _product.Owner.CreateAsync(new { original_url = "https://example.com/", custom_alias = taken }, key)).ShouldBeProblem(409, "ALIAS_EXISTS");

        Assert.Equal(201, (await _product.Owner.CreateAsync(new { original_url = "https://example.com/", custom_alias = NewAlias() }, key)).Status);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("Case", "F-13")]
    public async Task F13_Idempotency_Bulk_GivesTheSameAnswerByteForByte(int good)
    {
        var user = await _product.CreateUserAsync(NewEmail());
        var key = NewKey();
        // One of the two bodies is answered 207: a partial success is replayed, too.
        object[] links = [new { original_url = "https://example.com/1" }, new { original_url = good == 2 ? "https://example.com/2" : "nonsense" }];

        var first = await user.CreateManyAsync(links, key);
        var second = await user.CreateManyAsync(links, key);

        Assert.Equal(good == 2 ? 201 : 207, first.Status);
        Assert.Equal(first.Status, second.Status);
        Assert.Equal("true", second.Header(ReplayedHeader));
        Assert.Equal(first.Body, second.Body);
        Assert.Equal(good, (await user.GetAsync("/api/v1/urls")).Json.GetProperty("urls").GetArrayLength());
    }

    /// <summary>Whether the process ends in order. With the data on servers nothing is left to write then.</summary>
    public static TheoryData<bool> Ends => ProductStores.AreServers ? [false] : [false, true];

    [Theory]
    [MemberData(nameof(Ends))]
    [Trait("Case", "F-13")]
    public async Task F13_Idempotency_AfterARestart_StillReplays(bool isOrderly)
    {
        var product = await StartAsync();
        var key = NewKey();
        var body = new { original_url = "https://example.com/once" };
        var first = await product.Owner.CreateAsync(body, key);

        await (isOrderly ? product.StopAsync() : product.KillAsync());
        await product.StartAgainAsync();
        var second = await product.Owner.CreateAsync(body, key);

        Assert.Equal("true", second.Header(ReplayedHeader));
        Assert.Equal(first.Body, second.Body);
    }

    [Fact]
    [Trait("Case", "F-13")]
    public async Task F13_Idempotency_KeyTooLong_Returns400() =>
        (await _product.Owner.CreateAsync(new { original_url = "https://example.com/" }, (Header, new string('k', 256)))).ShouldBeProblem(
            400,
            "INVALID_REQUEST"
        );
}
