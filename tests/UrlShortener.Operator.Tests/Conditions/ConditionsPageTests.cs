using System.Reflection;
using System.Text.RegularExpressions;
using UrlShortener.Operator.Conditions;
using UrlShortener.TestServers;
using Xunit;

namespace UrlShortener.Operator.Tests.Conditions;

/// <summary>docs/conditions.md names what the operator reports, and nothing else.</summary>
public sealed partial class ConditionsPageTests
{
    private static readonly string[] Lines = File.ReadAllLines(Checkout.PathOf("docs/conditions.md"));

    [Fact]
    public void Page_Types_AreThoseOfTheOperator() => Assert.Equal(ValuesOf(typeof(ConditionTypes)), RowsOf("| Type |"));

    [Fact]
    public void Page_Reasons_AreThoseOfTheOperator() => Assert.Equal(ValuesOf(typeof(Reasons)), RowsOf("| Reason |"));

    private static IEnumerable<string> ValuesOf(Type type) =>
        type.GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(field => field.IsLiteral)
            .Select(field => (string)field.GetRawConstantValue()!)
            .Order(StringComparer.Ordinal);

    // The first column of every table with a header.
    private static IEnumerable<string> RowsOf(string header)
    {
        var rows = new List<string>();
        var isInside = false;
        foreach (var line in Lines)
        {
            isInside = line.StartsWith('|') && (isInside || line.StartsWith(header, StringComparison.Ordinal));
            if (isInside && FirstName().Match(line) is { Success: true } match)
                rows.Add(match.Groups[1].Value);
        }

        return rows.Order(StringComparer.Ordinal);
    }

    [GeneratedRegex(@"^\| `(\w+)` \|")]
    private static partial Regex FirstName();
}
