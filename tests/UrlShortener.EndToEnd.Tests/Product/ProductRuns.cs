using System.Text.RegularExpressions;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>Starts that are to fail.</summary>
internal static partial class ProductRuns
{
    /// <summary>Starts a product and waits for its end. Later settings win, so that a test may give its own address.</summary>
    public static Task<ProgramResult> StartAsync(ProductStores stores, params string[] settings) =>
        ProductProgram.RunAsync(stores.Folder, ["--urls", "http://127.0.0.1:0", .. stores.Settings, .. settings]);

    /// <summary>Fails unless a start ends with exit code 1 and a plain sentence that names something.</summary>
    public static Task<ProgramResult> AssertFailsAsync(ProductStores stores, string named, params string[] settings) =>
        AssertEndsAsync(1, stores, named, settings);

    /// <summary>Fails unless a start ends with exit code 78, for a wrong setting, and a plain sentence that names something.</summary>
    public static Task<ProgramResult> AssertIsMisconfiguredAsync(ProductStores stores, string named, params string[] settings) =>
        AssertEndsAsync(78, stores, named, settings);

    private static async Task<ProgramResult> AssertEndsAsync(int exitCode, ProductStores stores, string named, string[] settings)
    {
        var result = await StartAsync(stores, settings);
        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
        AssertTellsPlainly(result);
        return result;
    }

    /// <summary>
    /// Fails when a run wrote a stack trace. Where the data is on servers, warnings in the log do not count: one that is slow to answer is no part of what
    /// went wrong.
    /// </summary>
    public static void AssertTellsPlainly(ProgramResult result)
    {
        var lines = result.Output.Split('\n').Where(line => !ProductStores.AreServers || !Warning().IsMatch(line)).Append(result.Error);
        Assert.False(lines.Any(line => line.Contains("   at ", StringComparison.Ordinal)), result.ToString());
    }

    /// <summary>Fails unless a command failed and says why in a plain sentence that names something.</summary>
    public static void AssertIsRefused(ProgramResult result, string named)
    {
        Assert.True(result.ExitCode != 0, result.ToString());
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
        Assert.False(string.IsNullOrWhiteSpace(result.Error), result.ToString());
        Assert.DoesNotContain("   at ", result.Error + result.Output, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^\S+ warn: ")]
    private static partial Regex Warning();
}
