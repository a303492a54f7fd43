namespace UrlShortener.TestServers.Processes;

/// <summary>Finds Java, and what is packed for it beside the checkout.</summary>
internal static class JavaProgram
{
    private static readonly TimeSpan UnpackLimit = TimeSpan.FromMinutes(5);

    /// <summary>The path of <c>java</c>, which is installed where that is possible.</summary>
    /// <param name="server">What needs it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ServerUnavailableException">There is none.</exception>
    public static async Task<string> FindAsync(string server, CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable("JAVA_HOME") is { Length: > 0 } home && File.Exists(Path.Combine(home, "bin", "java")))
            return Path.Combine(home, "bin", "java");
        var (folder, reason) = await Programs.FindOrInstallAsync(["java"], DebianPackages.Java, cancellationToken);
        return folder is not null
            ? Path.Combine(folder, "java")
            : throw new ServerUnavailableException(
                $"{server} needs Java 17 or newer on the PATH or in JAVA_HOME, and {reason} (Debian: apt-get install openjdk-17-jre-headless)."
            );
    }

    /// <summary>Unpacks the newest archive of a folder beside the checkout. It holds one folder, whose name has the version.</summary>
    /// <returns>The folder's contents; null: there is no archive.</returns>
    public static async Task<string?> UnpackAsync(string place, string pattern, CancellationToken cancellationToken)
    {
        const string ending = ".tar.xz";
        var source = Checkout.Find() is { } checkout ? Path.GetFullPath(place, checkout) : null;
        var archive = Directory.Exists(source) ? Directory.EnumerateFiles(source, pattern + ending).Order(StringComparer.Ordinal).LastOrDefault() : null;
        if (archive is null)
            return null;
        var folder = ToolCache.PathOf(Path.GetFileName(archive).Replace(ending, "", StringComparison.Ordinal));
        if (!Directory.Exists(folder))
        {
            await ToolCache.FillAsync(
                folder,
                partial => Tool.RunAsync(["tar", "-xJf", archive, "--strip-components=1"], partial, UnpackLimit, cancellationToken)
            );
        }

        return folder;
    }
}
