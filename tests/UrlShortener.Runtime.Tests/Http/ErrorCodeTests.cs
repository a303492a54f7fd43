using System.Reflection;
using System.Text.RegularExpressions;
using UrlShortener.Runtime.Http;
using Xunit;

namespace UrlShortener.Runtime.Tests.Http;

public sealed partial class ErrorCodeTests
{
    /// <summary>The list is closed: its constants, the page of the running service (from which the OpenAPI document takes it) and the table for people are
    /// one.</summary>
    [Fact]
    public async Task Codes_OfTheCodeThePageAndTheTable_AreTheSame()
    {
        var constants = typeof(ErrorCode)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (string)field.GetRawConstantValue()!)
            .Order(StringComparer.Ordinal)
            .ToList();
        var table = await File.ReadAllTextAsync(SourceTree.PathOf("docs", "errors.md"), TestContext.Current.CancellationToken);

        Assert.True(constants.Count > 15);
        Assert.Equal(constants, ErrorPage.Entries.Select(entry => entry.Code).Order(StringComparer.Ordinal));
        Assert.Equal(
            ErrorPage.Entries.Select(entry => (entry.Code, entry.Status)),
            Row().Matches(table).Select(row => (row.Groups["code"].Value, row.Groups["status"].Value))
        );
    }

    [GeneratedRegex(@"^\| (?<status>\d{3}(, \d{3})*) \| `(?<code>[A-Z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
