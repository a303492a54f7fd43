using System.Diagnostics;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>A file system of a limited size, in memory.</summary>
internal sealed class BoundedVolume : IAsyncDisposable
{
    private BoundedVolume(string folder) => Folder = folder;

    /// <summary>Where it is mounted.</summary>
    public string Folder { get; }

    private string Filler => Path.Combine(Folder, "filler");

    /// <summary>Mounts one, or skips the test where that is not allowed.</summary>
    public static async Task<BoundedVolume> CreateAsync(int mebibytes)
    {
        var folder = Directory.CreateTempSubdirectory("volume-").FullName;
        if (await RunAsync("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m", "tmpfs", folder) != 0)
        {
            Directory.Delete(folder);
            Assert.Skip("File systems cannot be mounted here.");
        }

        return new BoundedVolume(folder);
    }

    /// <summary>Fills all that is left.</summary>
    public async Task FillAsync()
    {
        await using var file = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            for (var block = new byte[4096]; ; )
                await file.WriteAsync(block, TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            // It is full.
        }
    }

    /// <summary>Makes room again.</summary>
    public void Empty() => File.Delete(Filler);

    public async ValueTask DisposeAsync()
    {
        // A process of the test may still end.
        await RunAsync("umount", "--lazy", Folder);
        Directory.Delete(Folder);
    }

    private static async Task<int> RunAsync(string program, params IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;
    }
}
