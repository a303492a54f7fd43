using UrlShortener.Runtime.Storage.Postgres;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed class JsonTextTests
{
    [Theory]
    [InlineData("{}", "{}")]
    [InlineData("""{"a": 1, "b": [1, 2]}""", """{"a":1,"b":[1,2]}""")]
    [InlineData("""{"a b": "c, d: e"}""", """{"a b":"c, d: e"}""")]
    [InlineData("""{"a": "x\" y", "b": "\\", "c d": 1}""", """{"a":"x\" y","b":"\\","c d":1}""")]
    public void Minify_Blanks_StayInStringsOnly(string json, string expected) => Assert.Equal(expected, JsonText.Minify(json));
}
