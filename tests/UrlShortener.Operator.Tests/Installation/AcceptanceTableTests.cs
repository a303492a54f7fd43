using System.Text.RegularExpressions;
using UrlShortener.TestServers;
using Xunit;

namespace UrlShortener.Operator.Tests.Installation;

public sealed partial class AcceptanceTableTests
{
    [Fact]
    public void Test_NamedInTheTable_Exists()
    {
        var text = File.ReadAllText(Checkout.PathOf("docs", "operator-acceptance.md"));
        var sources = Directory
            .EnumerateFiles(Checkout.PathOf("tests"), "*Tests.cs", SearchOption.AllDirectories)
            .ToLookup(path => Path.GetFileNameWithoutExtension(path), File.ReadAllText, StringComparer.Ordinal);

        var named = TestName().Matches(text).Select(match => (Class: match.Groups["class"].Value, Method: match.Groups["method"].Value)).ToList();

        Assert.True(named.Count > 20, "The table names tests as `Class.Method`.");
        Assert.All(named, test => Assert.Contains(sources[test.Class], source => source.Contains($" {test.Method}(", StringComparison.Ordinal)));
    }

    [GeneratedRegex("`(?<class>[A-Za-z]+Tests)\\.(?<method>[A-Za-z_0-9]+)`", RegexOptions.CultureInvariant)]
    private static partial Regex TestName();
}
