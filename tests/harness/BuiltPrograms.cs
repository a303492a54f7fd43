using UrlShortener.TestServers;

namespace UrlShortener.TestHarness;

/// <summary>
/// The executables that tests start: of the folders <c>runtime</c> and <c>operator</c> in <see cref="FolderVariable"/>, where <c>make test</c> publishes them as
/// the images do; without it what was built, of the same configuration as the tests.
/// </summary>
internal static class BuiltPrograms
{
    private const string FolderVariable = "TEST_PROGRAMS";

    /// <summary>The product.</summary>
    public static string Runtime => Find("runtime", "UrlShortener.Runtime");

    /// <summary>The operator.</summary>
    public static string Operator => Find("operator", "UrlShortener.Operator");

    private static string Find(string folder, string project)
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } published)
        {
            var program = Path.Combine(published, folder, project);
            return File.Exists(program) ? program : throw new InvalidOperationException($"{FolderVariable} is set, and there is no {program}.");
        }

        // tests/PROJECT/bin/CONFIGURATION/net10.0
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var configuration = framework.Parent!.Name;
        var path = Checkout.PathOf(folder, project, "bin", configuration, framework.Name, project);
        return File.Exists(path) ? path : throw new InvalidOperationException($"{path} is not built. Build UrlShortener.sln -c {configuration}.");
    }
}
