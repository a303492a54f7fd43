using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace UrlShortener.TestHarness;

/// <summary>A file system of a limited size, in memory.</summary>
internal sealed class BoundedVolume : IDisposable
{
    private readonly bool _isOwnFolder;

    private BoundedVolume(string folder, bool isOwnFolder) => (Folder, _isOwnFolder) = (folder, isOwnFolder);

    /// <summary>Where it is mounted.</summary>
    public string Folder { get; }

    private string Filler => Path.Combine(Folder, "filler");

    /// <summary>Mounts one, or skips the test where that is not allowed.</summary>
    /// <param name="mebibytes">Its size.</param>
    /// <param name="folder">Where; null: in a folder of its own.</param>
    public static BoundedVolume Mount(int mebibytes, string? folder = null)
    {
        if (TryMount(mebibytes, folder) is { } volume)
            return volume;
        Assert.Skip("A file system in memory cannot be mounted here; it takes Linux and root.");
        return null;
    }

    /// <summary>Mounts one; null: that is not allowed here.</summary>
    /// <param name="mebibytes">Its size.</param>
    /// <param name="folder">Where; null: in a folder of its own.</param>
    public static BoundedVolume? TryMount(int mebibytes, string? folder = null)
    {
        var path = folder is null ? Directory.CreateTempSubdirectory("volume-").FullName : Directory.CreateDirectory(folder).FullName;
        var volume = new BoundedVolume(path, isOwnFolder: folder is null);
        var size = string.Create(CultureInfo.InvariantCulture, $"size={mebibytes}m");
        if (OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", size, "tmpfs", path) is 0)
            return volume;
        volume.RemoveFolder();
        return null;
    }

    /// <summary>Fills all that is left.</summary>
    public void Fill()
    {
        using var file = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[4096];
        try
        {
            while (true)
                file.Write(block);
        }
        catch (IOException)
        {
            // It is full.
        }
    }

    /// <summary>Makes room again.</summary>
    public void Free() => File.Delete(Filler);

    public void Dispose()
    {
        // A process of the test may still end.
        Run("umount", "--lazy", Folder);
        RemoveFolder();
    }

    private void RemoveFolder()
    {
        if (_isOwnFolder)
            Directory.Delete(Folder);
    }

    private static int Run(string program, params IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
