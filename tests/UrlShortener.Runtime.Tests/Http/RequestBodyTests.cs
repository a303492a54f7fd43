using System.Buffers;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;
using Xunit;

namespace UrlShortener.Runtime.Tests.Http;

public sealed class RequestBodyTests
{
    [Theory]
    [InlineData("""{"original_url":"https://example.com","original_url":"https://example.org"}""", "original_url is there twice. Send it once.")]
    [InlineData("""{"original_url":"https://example.com","metadata":{"a":1,"a":2}}""", "metadata.a is there twice. Send it once.")]
    [InlineData("""{"metadata":{"a":1,"b":[{"a":1},{"c":[1,{"d":1,"d":2}],"a":1}]}}""", "metadata.b[1].c[1].d is there twice")]
    [InlineData("""{"metadata":{"a":1,"\u0061":2}}""", "metadata.a is there twice")]
    [InlineData("""{"original_url":"https://example.com","metadata":{"\ud800":1}}""", "not valid Unicode")]
    [InlineData("""{"original_url":5}""", "original_url has a value of the wrong type")]
    [InlineData("""{"original_url":"https://example.com","expires_in_days":"7"}""", "expires_in_days has a value of the wrong type")]
    [InlineData("""{"custom_allias":"spring"}""", "There is no field custom_allias here")]
    [InlineData("""{"original_url":"https://example.com",}""", "not valid JSON at line 1")]
    [InlineData("null", "must be a JSON object")]
    [InlineData("", "not valid JSON")]
    public void Parse_BadBody_SaysWhatIsWrong(string json, string expected)
    {
        var parsed = Parse(Encoding.UTF8.GetBytes(json), LinkJson.Instance.CreateLinkRequest);

        var error = Assert.Single(parsed.Errors);
        Assert.Equal(ErrorCode.InvalidRequest, error.Code);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_SeveralMembersWrong_NamesAllAndReadsTheRest()
    {
        var parsed = Parse(
            """{"custom_allias":1,"expires_at":"tomorrow","redirect_type":"301","original_url":"https://example.com","custom_alias":[],"expires_in_days":1.5}"""u8,
            LinkJson.Instance.CreateLinkRequest
        );

        Assert.Equal(["custom_allias", "expires_at", "redirect_type", "custom_alias", "expires_in_days"], parsed.Errors.Select(error => error.Field));
        Assert.Equal("https://example.com", parsed.Value!.OriginalUrl);
    }

    [Fact]
    public void Parse_ItemsOfAListWrong_NamesThoseOfAllItems()
    {
        var parsed = Parse(
            """{"urls":[{"original_url":1},7,{"custom_allias":"a"},null,{"original_url":"https://example.com"}],"more":1}"""u8,
            LinkJson.Instance.BulkRequest
        );

        Assert.Equal(["urls[0].original_url", "urls[1]", "urls[2].custom_allias", "more"], parsed.Errors.Select(error => error.Field));
    }

    [Fact]
    public void Parse_ItemHasANameTwice_NamesItsPlace()
    {
        var parsed = Parse("""{"urls":[{"original_url":"https://example.com"},{"metadata":{"a":{"b":1,"b":2}}}]}"""u8, LinkJson.Instance.BulkRequest);

        Assert.Equal([new FieldError("urls[1].metadata", ErrorCode.InvalidRequest, "urls[1].metadata.a.b is there twice. Send it once.")], parsed.Errors);
    }

    [Fact]
    public void Parse_ManyNamesAndOneTwice_SaysInWhat()
    {
        var names = string.Join(',', Enumerable.Range(0, 20_000).Select(number => $"\"{number}\":1"));

        var parsed = Parse(Encoding.UTF8.GetBytes($"{{\"metadata\":{{{names},\"7\":1}}}}"), LinkJson.Instance.CreateLinkRequest);

        Assert.Equal("A name in metadata is there twice. Send it once.", Assert.Single(parsed.Errors).Message);
    }

    [Theory]
    [InlineData(60)]
    [InlineData(200)]
    public void Parse_DeepMetadata_IsReadSoThatItsOwnLimitIsTold(int depth) =>
        Assert.Empty(Parse(Encoding.UTF8.GetBytes($"{{\"metadata\":{Nested(depth)}}}"), LinkJson.Instance.CreateLinkRequest).Errors);

    [Theory]
    [InlineData("{\"metadata\":", "}")]
    [InlineData("{\"nope\":", "}")]
    [InlineData("", "")]
    public void Parse_DeeperThanAnyBody_SaysSo(string start, string end) =>
        Assert.Contains(
            "nested more than 512 levels deep",
            Assert.Single(Parse(Encoding.UTF8.GetBytes($"{start}{Nested(100_000)}{end}"), LinkJson.Instance.CreateLinkRequest).Errors).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Parse_ThousandsOfErrors_NamesTheFirst()
    {
        var body = $$"""{"urls":[{{string.Join(',', Enumerable.Repeat("""{"a":1,"b":2}""", 5_000))}}]}""";

        Assert.Equal(50, Parse(Encoding.UTF8.GetBytes(body), LinkJson.Instance.BulkRequest).Errors.Count);
    }

    [Fact]
    public void Parse_GoodBody_GivesTheObject()
    {
        var parsed = Parse("""{"original_url":"https://example.com"}"""u8, LinkJson.Instance.CreateLinkRequest);

        Assert.Empty(parsed.Errors);
        Assert.Equal("https://example.com", parsed.Value!.OriginalUrl);
    }

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);

    private static ParsedBody<T> Parse<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type)
        where T : class => RequestBody.Parse(new ReadOnlySequence<byte>(body.ToArray()), type);
}
