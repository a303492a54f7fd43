using UrlShortener.TestServers;

namespace UrlShortener.TestHarness;

/// <summary>The source tree, for tests that compare the program with its documents.</summary>
internal static class SourceTree
{
    /// <summary>Path of a file in it, by its parts.</summary>
    public static string PathOf(params string[] parts) => Checkout.PathOf(parts);
}
