using System.Text;
using System.Text.Json;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Links;

public sealed class MetadataTests : ProductTest, IClassFixture<ProductFixture>
{
    private const string Urls = "/api/v1/urls";

    // 3.7 KB that PostgreSQL's numbers spell out to 52 MB.
    private static readonly string Bomb = $$"""{"a":[{{string.Join(',', Enumerable.Repeat("1e131071", 400))}}]}""";

    private readonly ProductProcess _product;

    public MetadataTests(ProductFixture fixture) => _product = Share(fixture.Product);

    public static TheoryData<string, string> Spellings =>
        new()
        {
            // As sent, as returned.
            { """{"zebra":1,"a":2,"10":3}""", """{"zebra":1,"a":2,"10":3}""" },
            { """{"n":[1.50,1e3,-0,0.10E+2,12345678901234567890.123456789]}""", """{"n":[1.50,1e3,-0,0.10E+2,12345678901234567890.123456789]}""" },
            { """{"n":1e400000,"m":-1e-400000}""", """{"n":1e400000,"m":-1e-400000}""" },
            { """{"\u0061\/b":"\u00e9\u20AC\n","é":"€😀\ud83d\ude00"}""", """{"\u0061\/b":"\u00e9\u20AC\n","é":"€😀\ud83d\ude00"}""" },
            { "{\r\n\t\"a b\" : [ 1 , \" x  \\\" y \" ] }", """{"a b":[1," x  \" y "]}""" },
            { Bomb, Bomb },
        };

    [Theory]
    [MemberData(nameof(Spellings))]
    public async Task Metadata_AnySpelling_ComesBackAsItWasSent(string sent, string expected)
    {
        var created = await _product.Owner.CreateAsync(Json($$"""{"original_url":"https://example.com/","metadata":{{sent}}}"""));
        Assert.True(created.Status == 201, created.ToString());
        var code = created.Json.GetProperty("short_code").GetString()!;
        var changed = await _product.Owner.PatchAsync($"{Urls}/{await _product.Owner.CreateLinkAsync()}", Json($$"""{"metadata":{{sent}}}"""));

        var read = await _product.Owner.GetAsync($"{Urls}/{code}");
        var list = await _product.Owner.GetAsync($"{Urls}?code={code}");

        Assert.Equal(expected, MetadataOf(read.Json));
        Assert.Equal(expected, MetadataOf(Assert.Single(list.Json.GetProperty("urls").EnumerateArray())));
        Assert.Equal(expected, MetadataOf(changed.Json.GetProperty("url")));
    }

    [Fact]
    public async Task Metadata_NumberBombs_AreNoLargerInAListThanTheyWereSent()
    {
        var user = await _product.CreateUserAsync(NewEmail());
        var created = await user.CreateManyAsync(Enumerable.Repeat(new { original_url = "https://example.com/", metadata = JsonElement.Parse(Bomb) }, 20));
        Assert.True(created.Status == 201, created.ToString());

        var list = await user.GetAsync($"{Urls}?limit=20");
        var filtered = await user.GetAsync($"{Urls}?metadata=a:1");

        Assert.Equal(200, list.Status);
        Assert.Equal(20, list.Json.GetProperty("urls").GetArrayLength());
        Assert.InRange(list.Body.Length, 20 * Bomb.Length, 20 * (Bomb.Length + 1_000));
        Assert.Equal(0, filtered.Json.GetProperty("urls").GetArrayLength());
    }

    [Theory]
    [InlineData("""{"k":1.50}""", "1.50", true)]
    [InlineData("""{"k":1e400000}""", "1e400000", true)]
    [InlineData("""{"k":"caf\u00e9"}""", "café", true)]
    [InlineData("""{"\u006b":true}""", "true", true)]
    [InlineData("""{"k":1.50}""", "1.5", false)]
    public async Task List_MetadataFilter_ComparesTextAsSentAndStringsUnescaped(string metadata, string value, bool isFound)
    {
        var user = await _product.CreateUserAsync(NewEmail());
        Assert.Equal(201, (await user.CreateAsync(Json($$"""{"original_url":"https://example.com/","metadata":{{metadata}}}"""))).Status);

        var list = await user.GetAsync($"{Urls}?metadata=k:{Uri.EscapeDataString(value)}");

        Assert.Equal(isFound ? 1 : 0, list.Json.GetProperty("urls").GetArrayLength());
    }

    [Theory]
    [InlineData("""{"a":"\u0000"}""")]
    [InlineData("""[1e400000]""")]
    [InlineData("1e400000")]
    public async Task Metadata_ThatCannotBeStored_Returns400WithTheFieldsName(string metadata)
    {
        var problem = (await _product.Owner.CreateAsync(Json($$"""{"original_url":"https://example.com/","metadata":{{metadata}}}"""))).ShouldBeProblem(
            400,
            "INVALID_REQUEST"
        );

        Assert.Equal("metadata", problem.GetProperty("errors")[0].GetProperty("field").GetString());
    }

    [Theory]
    [InlineData(9)]
    [InlineData(70)]
    [InlineData(200)]
    public async Task Metadata_NestedTooDeeply_IsToldTheLimit(int depth)
    {
        var metadata = $$"""{"a":{{new string('[', depth - 1)}}{{new string(']', depth - 1)}}}""";
        var code = await _product.Owner.CreateLinkAsync();
        var mergePatch = new StringContent($$"""{"metadata":{{metadata}}}""", Encoding.UTF8, "application/merge-patch+json");

        var problems = new[]
        {
            await _product.Owner.CreateAsync(Json($$"""{"original_url":"https://example.com/","metadata":{{metadata}}}""")),
            await _product.Owner.PatchAsync($"{Urls}/{code}", Json($$"""{"metadata":{{metadata}}}""")),
            await _product.Owner.PatchAsync($"{Urls}/{code}", mergePatch),
        };
        var bulk = await _product.Owner.PostAsync($"{Urls}/bulk", Json($$"""{"urls":[{"original_url":"https://example.com/","metadata":{{metadata}}}]}"""));

        foreach (var problem in problems.Select(reply => reply.ShouldBeProblem(400, "INVALID_REQUEST")))
        {
            var error = problem.GetProperty("errors")[0];
            Assert.Equal("metadata", error.GetProperty("field").GetString());
            Assert.Equal("metadata may be nested at most 8 levels deep. Nest it less deeply.", error.GetProperty("message").GetString());
        }

        Assert.Equal(207, bulk.Status);
        Assert.Contains("at most 8 levels deep", bulk.Json.GetProperty("results")[0].GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metadata_NameTwice_IsNamed()
    {
        var problem = (await _product.Owner.CreateAsync(Json("""{"original_url":"https://example.com/","metadata":{"a":1,"a":2}}"""))).ShouldBeProblem(
            400,
            "INVALID_REQUEST"
        );

        Assert.Equal("metadata.a is there twice. Send it once.", problem.GetProperty("errors")[0].GetProperty("message").GetString());
    }

    private static string MetadataOf(JsonElement link) => link.GetProperty("metadata").GetRawText();

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");
}
