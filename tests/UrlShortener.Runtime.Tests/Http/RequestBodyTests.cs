using System.Buffers;
using System.Text;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;
using Xunit;

namespace UrlShortener.Runtime.Tests.Http;

public sealed class RequestBodyTests
{
    [Theory]
    [InlineData("""{"original_url":"https://example.com","original_url":"https://example.org"}""", "twice")]
    [InlineData("""{"original_url":"https://example.com","metadata":{"a":1,"a":2}}""", "twice")]
    [InlineData("""{"original_url":"https://example.com","metadata":{"\ud800":1}}""", "not valid Unicode")]
    [InlineData("""{"original_url":5}""", "original_url has a value of the wrong type")]
    [InlineData("""{"original_url":"https://example.com","expires_in_days":"7"}""", "expires_in_days has a value of the wrong type")]
    [InlineData("""{"custom_allias":"spring"}""", "There is no field custom_allias here")]
    [InlineData("""{"original_url":"https://example.com",}""", "not valid JSON at line 1")]
    [InlineData("null", "must be a JSON object")]
    [InlineData("", "not valid JSON")]
    public void Parse_BadBody_SaysWhatIsWrong(string json, string expected)
    {
        var (value, problem) = RequestBody.Parse(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(json)), LinkJson.Instance.CreateLinkRequest);

        Assert.Null(value);
        Assert.NotNull(problem);
        Assert.Equal((400, ErrorCode.InvalidRequest), (problem.Status, problem.Code));
        Assert.Contains(expected, problem.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_GoodBody_GivesTheObject()
    {
        var (value, problem) = RequestBody.Parse(new ReadOnlySequence<byte>("""{"original_url":"https://example.com"}"""u8.ToArray()), LinkJson.Instance.CreateLinkRequest);

        Assert.Null(problem);
        Assert.Equal("https://example.com", value!.OriginalUrl);
    }
}
