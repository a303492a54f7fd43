using System.Text;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Links;

public sealed class CreateTests : ProductTest, IClassFixture<ProductFixture>
{
    private readonly ProductProcess _product;

    public CreateTests(ProductFixture fixture) => _product = Share(fixture.Product);

    private static readonly string?[] MalformedUrls =
    [
        null,
        "",
        " ",
        "example",
        "example.com",
        "//example.com/",
        "/path",
        "http://",
        "http:///path",
        "https:example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "mailto:a@example.com",
        "http://user:secret@example.com/",
        "http://exa mple.com/",
        "http://example.com\\@example.org/",
        "http://example.com:99999/",
        "http://example.com:/",
        "http://example.com:x/",
        "http://[::1/",
        "http://%65xample.com/",
        "http://a..example.com/",
        "http://example.com/\n",
        "http://example.com/\u0000",
        "http://localhost/",
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::ffff:10.0.0.1]/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "https://example.com/" + new string('a', 2_048),
    ];

    public static TheoryData<string> InvalidAliases =>
        ["", "abc", "elevenchars", "has space", "a/b/c", "über-link", "a.b.c", "docs", "Health", "metrics", "link\n"];

    [Fact]
    [Trait("Case", "F-01")]
    public async Task F01_CreateShortUrl_ValidUrl_Returns201()
    {
        const string url = "https://example.com/a/long/path?q=1&r=%20#part";

        var reply = await _product.Owner.CreateAsync(new { original_url = url, metadata = new { campaign = "spring", source = "mail" } });

        Assert.True(reply.Status == 201, reply.ToString());
        var link = reply.Json;
        var code = link.GetProperty("short_code").GetString()!;
        Assert.Matches("^[0-9A-Za-z]{7}$", code);
        Assert.Equal(new Uri(_product.Http.BaseAddress!, code).AbsoluteUri, link.GetProperty("short_url").GetString());
        Assert.Equal(url, link.GetProperty("original_url").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, link.GetProperty("expires_at").ValueKind);
        Assert.Equal($"/api/v1/urls/{code}", reply.Header("Location"));
        Assert.Equal("application/json", reply.Header("Content-Type"));

        var about = await _product.Owner.GetAsync($"/api/v1/urls/{code}");
        Assert.Equal(200, about.Status);
        Assert.Equal("spring", about.Json.GetProperty("metadata").GetProperty("campaign").GetString());
        Assert.Equal(0, about.Json.GetProperty("click_count").GetInt64());
        Assert.Equal(0, about.Json.GetProperty("analytics").GetProperty("clicks_24h").GetInt64());

        var picture = await _product.Anonymous.GetAsync(new Uri(link.GetProperty("qr_code_url").GetString()!).PathAndQuery);
        Assert.Equal(200, picture.Status);
        Assert.Equal("image/png", picture.Header("Content-Type"));
    }

    [Fact]
    [Trait("Case", "F-01")]
    public async Task F01_CreateShortUrl_Anonymous_Returns201AndBelongsToNobody()
    {
        var code = await _product.Anonymous.CreateLinkAsync();

        Assert.Equal(302, (await _product.Anonymous.GetAsync($"/{code}")).Status);
        (await _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { is_active = false })).ShouldBeProblem(403, "FORBIDDEN");
    }

    [Fact]
    [Trait("Case", "F-01")]
    public async Task F01_CreateShortUrl_ExpiresInDays_TellsTheEnd()
    {
        var reply = await _product.Owner.CreateAsync(new { original_url = "https://example.com/", expires_in_days = 30 });

        Assert.Equal(201, reply.Status);
        Assert.Equal(reply.Json.GetProperty("created_at").GetDateTimeOffset().AddDays(30), reply.Json.GetProperty("expires_at").GetDateTimeOffset());
    }

    [Fact]
    [Trait("Case", "F-02")]
    public async Task F02_CustomAlias_Free_Returns201WithIt()
    {
        var alias = NewAlias();

        var reply = await _product.Owner.CreateAsync(new { original_url = "https://example.com/alias", custom_alias = alias });

        Assert.Equal(201, reply.Status);
        Assert.Equal(alias, reply.Json.GetProperty("short_code").GetString());
        Assert.EndsWith($"/{alias}", reply.Json.GetProperty("short_url").GetString(), StringComparison.Ordinal);
        Assert.Equal("https://example.com/alias", (await _product.Anonymous.GetAsync($"/{alias}")).Header("Location"));
    }

    [Theory]
    [MemberData(nameof(InvalidAliases))]
    [Trait("Case", "F-02")]
    [InlineData("Trending")]
    public async Task F02_CustomAlias_InvalidOrReserved_Returns400(string alias)
    {
        var reply = await _product.Owner.CreateAsync(new { original_url = "https://example.com/", custom_alias = alias });

        reply.ShouldBeProblem(400, "INVALID_ALIAS");
    }

    [Fact]
    [Trait("Case", "F-02")]
    public async Task F02_CustomAlias_AskedForBeforeItExisted_RedirectsAtOnce()
    {
        var alias = NewAlias();
        Assert.Equal(404, (await _product.Anonymous.GetAsync($"/{alias}")).Status);

        Assert.Equal(201, (await _product.Owner.CreateAsync(new { original_url = "https://example.com/", custom_alias = alias })).Status);

        Assert.Equal(302, (await _product.Anonymous.GetAsync($"/{alias}")).Status);
    }

    [Fact]
    [Trait("Case", "F-03")]
    public async Task F03_DuplicateAlias_Taken_Returns409AndKeepsTheFirst()
    {
        var alias = NewAlias();
        Assert.Equal(201, (await _product.Owner.CreateAsync(new { original_url = "https://example.com/first", custom_alias = alias })).Status);

        var reply = await _product.Owner.CreateAsync(new { original_url = "https://example.com/second", custom_alias = alias });

        reply.ShouldBeProblem(409, "ALIAS_EXISTS");
        Assert.Equal("https://example.com/first", (await _product.Anonymous.GetAsync($"/{alias}")).Header("Location"));
    }

    [Fact]
    [Trait("Case", "F-03")]
    public async Task F03_DuplicateAlias_HundredAtOnce_ExactlyOneWins()
    {
        var alias = NewAlias();

        var replies = await Task.WhenAll(
            Enumerable.Range(0, 100).Select(number => _product.Owner.CreateAsync(new { original_url = $"https://example.com/{number}", custom_alias = alias }))
        );

        var winner = Assert.Single(replies, reply => reply.Status == 201);
        Assert.All(replies.Where(reply => reply != winner), reply => reply.ShouldBeProblem(409, "ALIAS_EXISTS"));
        Assert.Equal(winner.Json.GetProperty("original_url").GetString(), (await _product.Anonymous.GetAsync($"/{alias}")).Header("Location"));
    }

    [Fact]
    [Trait("Case", "F-04")]
    public async Task F04_InvalidUrl_Malformed_Returns400AndStoresNothing()
    {
        var user = await _product.CreateUserByCommandAsync(NewEmail(), "--tier", "enterprise");

        foreach (var url in MalformedUrls)
        {
            var reply = await user.CreateAsync(new { original_url = url });
            Assert.True(reply.Status == 400, $"{url}: {reply}");
            reply.ShouldBeProblem(400, "INVALID_URL");
        }

        Assert.Equal(0, (await user.GetAsync("/api/v1/urls")).Json.GetProperty("urls").GetArrayLength());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"https://example.com/\"")]
    [InlineData("{\"original_url\":7}")]
    [InlineData("{\"original_url\":\"https://example.com/\",\"custom_allias\":\"abcd\"}")]
    [InlineData("{\"original_url\":\"https://example.com/\",\"expires_in_days\":0}")]
    [InlineData("{\"original_url\":\"https://example.com/\",\"expires_in_days\":3651}")]
    [InlineData("{\"original_url\":\"https://example.com/\",\"expires_in_days\":1.5}")]
    [InlineData("{\"original_url\":\"https://example.com/\",\"redirect_type\":303}")]
    [InlineData("{\"original_url\":\"https://example.com/\",\"metadata\":[1]}")]
    [InlineData("{\"original_url\":\"https://example.com/\",\"metadata\":{\"a\":\"\\ud800\"}}")]
    [InlineData("{\"original_url\":\"https://example.com/\",\"metadata\":{\"\\ud800\":1}}")]
    [Trait("Case", "F-04")]
    public async Task F04_InvalidUrl_UnreadableBody_Returns400(string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");

        (await _product.Owner.CreateAsync(content)).ShouldBeProblem(400, "INVALID_REQUEST");
    }

    [Fact]
    [Trait("Case", "F-04")]
    public async Task F04_InvalidUrl_NotJson_Returns415()
    {
        using var content = new StringContent("original_url=https://example.com/", Encoding.UTF8, "application/x-www-form-urlencoded");

        (await _product.Owner.CreateAsync(content)).ShouldBeProblem(415, "UNSUPPORTED_MEDIA_TYPE");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Case", "F-04")]
    public async Task F04_InvalidUrl_TooLargeBody_Returns413(bool isLengthKnown)
    {
        var bytes = Encoding.ASCII.GetBytes($"{{\"original_url\":\"https://example.com/\",\"metadata\":{{\"a\":\"{new string('x', 200_000)}\"}}}}");
        using HttpContent content = isLengthKnown ? new ByteArrayContent(bytes) : new StreamContent(new UnseekableStream(bytes));
        content.Headers.ContentType = new("application/json");

        (await _product.Owner.CreateAsync(content)).ShouldBeProblem(413, "PAYLOAD_TOO_LARGE");
    }

    // Its length is not known beforehand, so it is sent in chunks.
    private sealed class UnseekableStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }

    /// <summary>Editors and some encoders put one there; RFC 8259 lets a reader ignore it.</summary>
    [Fact]
    public async Task Create_BodyWithAByteOrderMark_IsRead()
    {
        using var content = new ByteArrayContent([.. Encoding.UTF8.Preamble, .. """{"original_url":"https://example.com/"}"""u8]);
        content.Headers.ContentType = new("application/json");

        Assert.Equal(201, (await _product.Owner.CreateAsync(content)).Status);
    }

    [Fact]
    public async Task Create_WrongFieldsBesideAnUnknownOne_AreAllNamed()
    {
        using var content = new StringContent(
            """{"custom_allias":"x","original_url":"nonsense","custom_alias":"a","redirect_type":"301","expires_in_days":0,"expires_at":"+0530"}""",
            Encoding.UTF8,
            "application/json"
        );

        var problem = (await _product.Owner.CreateAsync(content)).ShouldBeProblem(400, "INVALID_REQUEST");

        Assert.Equal(
            ["custom_allias", "redirect_type", "expires_at", "original_url", "custom_alias", "expires_in_days"],
            problem.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("field").GetString())
        );
    }
}
