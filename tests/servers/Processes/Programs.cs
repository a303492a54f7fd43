using System.Globalization;

namespace UrlShortener.TestServers.Processes;

/// <summary>Finds programs of this machine, and has missing ones installed where that is possible.</summary>
internal static class Programs
{
    /// <summary>
    /// The folder that holds all of <paramref name="names"/>: the first on PATH, else the one of the newest version that Debian or Red Hat installed.
    /// </summary>
    public static string? FindFolder(IReadOnlyList<string> names) =>
        Folders().FirstOrDefault(folder => names.All(name => File.Exists(Path.Combine(folder, name))));

    /// <summary>As <see cref="FindFolder"/>, after an attempt to install what is missing.</summary>
    /// <returns>The folder, or null and the reason why there is none.</returns>
    public static async Task<(string? Folder, string Reason)> FindOrInstallAsync(
        IReadOnlyList<string> names,
        DebianPackages packages,
        CancellationToken cancellationToken
    )
    {
        if (!OperatingSystem.IsLinux())
            return (null, "servers run as local processes on Linux only");
        if (FindFolder(names) is { } folder)
            return (folder, "");
        var reason = await packages.InstallAsync(cancellationToken);
        return (FindFolder(names), reason ?? $"the installed packages hold no {names[0]}");
    }

    private static IEnumerable<string> Folders() =>
        [
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
            .. Versions("/usr/lib/postgresql", ""),
            .. Versions("/usr", "pgsql-"),
        ];

    /// <summary>The bin folders below <paramref name="place"/> whose parent's name is <paramref name="prefix"/> and a version, the newest first.</summary>
    private static IEnumerable<string> Versions(string place, string prefix) =>
        Directory.Exists(place)
            ? new DirectoryInfo(place)
                .EnumerateDirectories(prefix + "*")
                .Select(folder => (Path: Path.Combine(folder.FullName, "bin"), Version: ReadVersion(folder.Name[prefix.Length..])))
                .Where(folder => folder.Version is not null)
                .OrderByDescending(folder => folder.Version)
                .Select(folder => folder.Path)
            : [];

    private static double? ReadVersion(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out var version) ? version : null;
}
