namespace UrlShortener.TestServers;

/// <summary>The source tree that the running program was built from: the folder of the solution, above it.</summary>
internal static class Checkout
{
    private const string Solution = "UrlShortener.sln";

    /// <summary>Path of a file in it, by one relative path or by its parts.</summary>
    public static string PathOf(params string[] parts) =>
        Path.Combine([Find() ?? throw new InvalidOperationException($"No {Solution} above {AppContext.BaseDirectory}."), .. parts]);

    /// <summary>Its path, or null when the program runs elsewhere.</summary>
    // Not by the path of a source file: a build that can be reproduced does not know it.
    public static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Solution)))
                return folder.FullName;
        }

        return null;
    }
}
