using UrlShortener.TestServers;

namespace UrlShortener.Operator.Tests;

/// <summary>The product that pods run.</summary>
internal static class RuntimeBuild
{
    /// <summary>Its executable, of the same configuration as these tests.</summary>
    public static string Path { get; } = Checkout.PathOf(System.IO.Path.Combine("runtime", "UrlShortener.Runtime", "bin", ConfigurationOfTests(), "net10.0", "UrlShortener.Runtime"));

    // bin/Release/net10.0
    private static string ConfigurationOfTests() => new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(System.IO.Path.DirectorySeparatorChar)).Parent!.Name;
}
