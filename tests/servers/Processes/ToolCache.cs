namespace UrlShortener.TestServers.Processes;

/// <summary>Where programs are kept that tests unpack, download or build: outside of the checkout, so that cleaning it makes nothing again.</summary>
internal static class ToolCache
{
    /// <summary>The folder of a name, which says the version too. It may not exist yet.</summary>
    public static string PathOf(string name) => Path.Combine(Root(), "url-shortener", name);

    /// <summary>
    /// Fills a folder that does not exist yet. It appears only when all of it is there; of two processes that do so at once, one is the faster and the other's
    /// work is removed.
    /// </summary>
    public static async Task FillAsync(string folder, Func<string, Task> fillAsync)
    {
        var partial = $"{folder}.{Guid.NewGuid():N}.part";
        try
        {
            Directory.CreateDirectory(partial);
            await fillAsync(partial);
            Directory.Move(partial, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            // Another process was faster.
        }
        finally
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
        }
    }

    private static string Root() =>
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
}
