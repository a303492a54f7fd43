using UrlShortener.TestServers;

namespace UrlShortener.TestHarness;

/// <summary>The executables that tests start, of the same configuration as the tests.</summary>
internal static class BuiltPrograms
{
    /// <summary>The product.</summary>
    public static string Runtime => Find("runtime", "UrlShortener.Runtime");

    /// <summary>The operator.</summary>
    public static string Operator => Find("operator", "UrlShortener.Operator");

    private static string Find(string folder, string project)
    {
        // tests/PROJECT/bin/CONFIGURATION/net10.0
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var configuration = framework.Parent!.Name;
        var path = Checkout.PathOf(folder, project, "bin", configuration, framework.Name, project);
        return File.Exists(path) ? path : throw new InvalidOperationException($"{path} is not built. Build UrlShortener.sln -c {configuration}.");
    }
}
