using UrlShortener.TestServers;

namespace UrlShortener.Load;

/// <summary>Where the built programs under test are.</summary>
internal static class Executables
{
    private const string Output = "bin/Release/net10.0";

    /// <summary>The product: <paramref name="given"/> when not null, else the runtime built in this tree.</summary>
    public static string FindProduct(string? given) => Existing(given ?? InTree("runtime/UrlShortener.Runtime", "UrlShortener.Runtime"));

    /// <summary>The operator: <paramref name="given"/> when not null, else the one built in this tree.</summary>
    public static string FindOperator(string? given) => Existing(given ?? InTree("operator/UrlShortener.Operator", "UrlShortener.Operator"));

    public static string FindFloor() => Existing(InTree("tests/floor", "UrlShortener.Floor"));

    private static string InTree(string project, string name) => Path.Combine(FindRoot(), project, Output, name);

    private static string Existing(string path) =>
        File.Exists(path)
            ? Path.GetFullPath(path)
            : throw new LoadException($"{path} does not exist. Build it first: dotnet build -c Release UrlShortener.sln");

    private static string FindRoot() => Checkout.Find() ?? throw new LoadException($"No checkout above {AppContext.BaseDirectory}. Run this from one.");
}
