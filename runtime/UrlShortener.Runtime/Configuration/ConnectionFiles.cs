namespace UrlShortener.Runtime.Configuration;

/// <summary>
/// Connection strings in files instead of settings. A file may change while the process runs, unlike a setting: it is how a process takes a new password without
/// a restart.
/// </summary>
internal static class ConnectionFiles
{
    private const int MaxLength = 64 * 1024;

    private static readonly string[] Names = [nameof(ConnectionOptions.Postgres), nameof(ConnectionOptions.Redis)];

    /// <summary>Adds the connection strings in files to the configuration.</summary>
    /// <param name="configuration">The configuration, with the files' paths.</param>
    /// <returns>All errors, each a sentence that starts with the setting's name.</returns>
    public static IReadOnlyList<string> Load(ConfigurationManager configuration)
    {
        var (errors, found) = (new List<string>(), new Dictionary<string, string?>());
        foreach (var name in Names)
        {
            var (setting, pathSetting) = ($"ConnectionStrings:{name}", $"ConnectionStrings:{name}Path");
            if (configuration[pathSetting] is not { Length: > 0 } path)
                continue;
            if (!string.IsNullOrEmpty(configuration[setting]))
                errors.Add($"{pathSetting} and {setting} exclude each other: set one of them.");
            else if (Read(path) is var (text, problem) && problem is not null)
                errors.Add($"{pathSetting}: {path} {problem}.");
            else
                found[setting] = text;
        }

        if (found.Count > 0)
            configuration.AddInMemoryCollection(found);
        return errors;
    }

    /// <summary>The connection string in a file; null: it cannot be read now.</summary>
    public static string? TryRead(string path) => Read(path).Text;

    /// <summary>The text of a file without white space around it, or what is wrong with the file, as the end of a sentence.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="maxLength">Most bytes.</param>
    public static (string? Text, string? Problem) Read(string path, int maxLength = MaxLength)
    {
        try
        {
            using var file = new StreamReader(path);
            // The length of a link is not that of its file.
            if (file.BaseStream.Length > maxLength)
                return (null, $"is larger than {maxLength / 1024} KiB");
            return file.ReadToEnd().Trim() is { Length: > 0 } text ? (text, null) : (null, "is empty");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return (null, $"cannot be read ({error.Message.TrimEnd('.')})");
        }
    }
}
