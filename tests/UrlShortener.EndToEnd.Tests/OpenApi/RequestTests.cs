using System.Text;
using System.Text.Json;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.OpenApi;

/// <summary>The document and the product agree on what a good request is.</summary>
public sealed class RequestTests : ProductTest, IClassFixture<ProductFixture>
{
    private readonly ProductProcess _product;

    public RequestTests(ProductFixture fixture) => _product = Share(fixture.Product);

    [Theory]
    [InlineData("""{"original_url":"https://example.com/"}""", true)]
    [InlineData("""{"original_url":"https://example.com/","expires_in_days":null,"expires_at":null,"redirect_type":null}""", true)]
    [InlineData("""{"original_url":"https://example.com/","expires_at":"tomorrow"}""", false)]
    [InlineData(
        """{"original_url":"https://example.com/","expires_in_days":1,"metadata":{"campaign":"spring","more":[1,{"a":null}]},"redirect_type":308}""",
        true
    )]
    [InlineData("""{"original_url":"https://example.com/","expires_in_days":3650}""", true)]
    [InlineData("{}", false)]
    [InlineData("[]", false)]
    [InlineData("null", false)]
    [InlineData("""{"original_url":null}""", false)]
    [InlineData("""{"original_url":1}""", false)]
    [InlineData("""{"original_url":"https://example.com/","unknown":1}""", false)]
    [InlineData("""{"original_url":"https://example.com/","custom_alias":"abc"}""", false)]
    [InlineData("""{"original_url":"https://example.com/","custom_alias":"elevenchars"}""", false)]
    [InlineData("""{"original_url":"https://example.com/","custom_alias":"sp ace"}""", false)]
    [InlineData("""{"original_url":"https://example.com/","expires_in_days":0}""", false)]
    [InlineData("""{"original_url":"https://example.com/","expires_in_days":3651}""", false)]
    [InlineData("""{"original_url":"https://example.com/","expires_in_days":1.5}""", false)]
    [InlineData("""{"original_url":"https://example.com/","expires_in_days":"7"}""", false)]
    [InlineData("""{"original_url":"https://example.com/","metadata":[]}""", false)]
    [InlineData("""{"original_url":"https://example.com/","metadata":"text"}""", false)]
    [InlineData("""{"original_url":"https://example.com/","redirect_type":303}""", false)]
    public async Task Create_Body_IsAcceptedIfAndOnlyIfItMatchesTheSchema(string body, bool isGood) =>
        await AssertAgreementAsync("POST", "/api/v1/urls", "/api/v1/urls", body, isGood);

    [Theory]
    [InlineData(2_048, true)]
    [InlineData(2_049, false)]
    public async Task Create_LongUrl_IsAcceptedIfAndOnlyIfItMatchesTheSchema(int length, bool isGood) =>
        await AssertAgreementAsync(
            "POST",
            "/api/v1/urls",
            "/api/v1/urls",
            JsonSerializer.Serialize(new { original_url = "https://example.com/".PadRight(length, 'a') }),
            isGood
        );

    [Theory]
    [InlineData("""{"urls":[{"original_url":"https://example.com/"},{"original_url":"https://example.com/","expires_in_days":null}]}""", true)]
    [InlineData("{}", false)]
    [InlineData("""{"urls":null}""", false)]
    [InlineData("""{"urls":{}}""", false)]
    [InlineData("""{"urls":[1]}""", false)]
    [InlineData("""{"urls":[]}""", false)]
    [InlineData("""{"urls":[{"original_url":"https://example.com/","unknown":1}]}""", false)]
    [InlineData("""{"urls":[{"original_url":"https://example.com/"}],"unknown":1}""", false)]
    public async Task CreateMany_Body_IsAcceptedIfAndOnlyIfItMatchesTheSchema(string body, bool isGood) =>
        await AssertAgreementAsync("POST", "/api/v1/urls/bulk", "/api/v1/urls/bulk", body, isGood);

    [Theory]
    [InlineData("""{"original_url":"https://example.com/new"}""", true)]
    [InlineData("""{"never_expires":true}""", true)]
    [InlineData("""{"never_expires":"true"}""", false)]
    [InlineData("""{"is_active":false,"redirect_type":null,"never_expires":null,"expires_at":null}""", true)]
    [InlineData("""{"redirect_type":301,"metadata":{}}""", true)]
    [InlineData("[]", false)]
    [InlineData("""{"expires_at":1}""", false)]
    [InlineData("""{"expires_at":"tomorrow"}""", false)]
    [InlineData("""{"expires_at":"2030-01-31"}""", false)]
    [InlineData("""{"is_active":"true"}""", false)]
    [InlineData("""{"redirect_type":200}""", false)]
    [InlineData("""{"metadata":1}""", false)]
    [InlineData("""{"custom_alias":"other"}""", false)]
    public async Task Update_Body_IsAcceptedIfAndOnlyIfItMatchesTheSchema(string body, bool isGood)
    {
        var code = await _product.Owner.CreateLinkAsync();

        await AssertAgreementAsync("PATCH", "/api/v1/urls/{short_code}", $"/api/v1/urls/{code}", body, isGood);
    }

    [Theory]
    [InlineData("""{"expires_at":null}""", true)]
    [InlineData("""{"metadata":null,"redirect_type":301}""", true)]
    [InlineData("""{"is_active":null}""", false)]
    [InlineData("""{"original_url":null}""", false)]
    [InlineData("""{"redirect_type":null,"is_active":true}""", false)]
    [InlineData("""{"custom_alias":"other"}""", false)]
    public async Task Update_MergePatch_IsAcceptedIfAndOnlyIfItMatchesTheSchema(string body, bool isGood)
    {
        var code = await _product.Owner.CreateLinkAsync();

        await AssertAgreementAsync("PATCH", "/api/v1/urls/{short_code}", $"/api/v1/urls/{code}", body, isGood, "application/merge-patch+json");
    }

    /// <summary>Clients that write every member, set or not. The document does not propose it; the product lives with it.</summary>
    [Theory]
    [InlineData(
        "POST",
        "/api/v1/urls",
        """{"original_url":"https://example.com/","custom_alias":null,"expires_in_days":null,"expires_at":null,"metadata":null,"redirect_type":null}"""
    )]
    [InlineData(
        "POST",
        "/api/v1/urls/bulk",
        """{"urls":[{"original_url":"https://example.com/","custom_alias":null,"expires_in_days":null,"metadata":null,"redirect_type":null}]}"""
    )]
    [InlineData(
        "PATCH",
        "/api/v1/urls/",
        """{"original_url":null,"expires_at":null,"never_expires":null,"is_active":true,"redirect_type":null,"metadata":null}"""
    )]
    public async Task Body_NullForWhatIsNotSet_IsNotGiven(string method, string path, string body)
    {
        var address = path.EndsWith('/') ? path + await _product.Owner.CreateLinkAsync() : path;

        var reply = await _product.Owner.SendAsync(new HttpMethod(method), address, new StringContent(body, Encoding.UTF8, "application/json"));

        Assert.True(reply.Status is 200 or 201, reply.ToString());
    }

    [Fact]
    public async Task Update_ExpiryAhead_IsAcceptedAndMatchesTheSchema()
    {
        var code = await _product.Owner.CreateLinkAsync();
        var body = JsonSerializer.Serialize(new { expires_at = TimeProvider.System.GetUtcNow().AddDays(1) });

        await AssertAgreementAsync("PATCH", "/api/v1/urls/{short_code}", $"/api/v1/urls/{code}", body, isGood: true);
    }

    [Theory]
    [InlineData("/api/v1/urls", "limit", "1", "100", "0", "101")]
    [InlineData("/api/v1/urls", "is_active", "true", "false", "1", "null")]
    [InlineData("/api/v1/urls/{short_code}/stats", "granularity", "hour", "week", "minute", "\"\"")]
    [InlineData("/api/v1/urls/{short_code}/qr", "format", "png", "svg", "gif", "PNG")]
    [InlineData("/api/v1/urls/{short_code}/qr", "size", "64", "2048", "63", "2049")]
    [InlineData("/api/v1/urls/{short_code}/qr", "error_correction", "L", "H", "X", "\"\"")]
    [InlineData("/api/v1/urls/{short_code}/qr", "margin", "0", "4", "-1", "17")]
    public async Task Query_Parameter_IsAcceptedIfAndOnlyIfItMatchesTheSchema(
        string path,
        string name,
        string good,
        string alsoGood,
        string bad,
        string alsoBad
    )
    {
        var document = await ApiDocument.LoadAsync(_product.Anonymous);
        var schema = document.Find("GET", path).ParameterSchema(name);
        var code = await _product.Owner.CreateLinkAsync();

        foreach (var (value, isGood) in (IEnumerable<(string, bool)>)[(good, true), (alsoGood, true), (bad, false), (alsoBad, false)])
        {
            // A parameter is a text; the schema says which type to read it as.
            var json = schema.GetProperty("type").GetString() == "string" ? JsonElement.Parse(JsonSerializer.Serialize(value)) : JsonElement.Parse(value);
            Assert.True(document.Validate(schema, json).Count == 0 == isGood, $"The schema of {name} and {value}: {schema}");
            var reply = await _product.Owner.GetAsync($"{path.Replace("{short_code}", code, StringComparison.Ordinal)}?{name}={Uri.EscapeDataString(value)}");
            Assert.True(reply.Status == (isGood ? 200 : 400), $"{name}={value}: {reply}");
        }
    }

    private async Task AssertAgreementAsync(string method, string path, string address, string body, bool isGood, string type = "application/json")
    {
        var document = await ApiDocument.LoadAsync(_product.Anonymous);

        var problems = document.Validate(document.Find(method, path).RequestSchemaOf(type)!.Value, JsonElement.Parse(body));
        var reply = await _product.Owner.SendAsync(new HttpMethod(method), address, new StringContent(body, Encoding.UTF8, type));

        Assert.True(problems.Count == 0 == isGood, $"The schema says of {body}: {string.Join("; ", problems)}");
        Assert.True(isGood ? reply.Status is 200 or 201 : reply.Status == 400, $"{body}: {reply}");
    }
}
