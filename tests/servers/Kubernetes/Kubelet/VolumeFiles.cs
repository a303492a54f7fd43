using System.Runtime.InteropServices;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// Writes the files of a volume as kubelets do: they stand in a folder of their own, to which <c>..data</c> points, so that all of them are replaced in one
/// step. A program that reads one sees the old or the new, and one that watches sees <c>..data</c> change.
/// </summary>
internal static partial class VolumeFiles
{
    private const string Data = "..data";

    /// <summary>Replaces the files of a volume.</summary>
    /// <param name="place">The volume's folder.</param>
    /// <param name="files">Files by their paths in it.</param>
    /// <param name="group">The pod's <c>fsGroup</c>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task WriteAsync(string place, IReadOnlyDictionary<string, VolumeFile> files, long? group, CancellationToken cancellationToken)
    {
        var link = Path.Combine(place, Data);
        var old = Directory.Exists(link) ? Directory.ResolveLinkTarget(link, returnFinalTarget: false) : null;
        var version = $"..{Guid.NewGuid():N}";
        var folder = Directory.CreateDirectory(Path.Combine(place, version)).FullName;
        foreach (var (path, file) in files)
        {
            var full = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            await File.WriteAllBytesAsync(full, file.Content, cancellationToken);
            File.SetUnixFileMode(full, (UnixFileMode)file.Mode);
        }

        if (group is { } number)
            await VolumeGroup.ApplyAsync(old is null ? place : folder, number, isWritable: false, policy: null, cancellationToken);
        var next = link + "_tmp";
        File.Delete(next);
        File.CreateSymbolicLink(next, version);
        if (Rename(next, link) != 0)
            throw new IOException($"{next} cannot be renamed: error {Marshal.GetLastPInvokeError()}.");
        var names = files.Keys.Select(path => path.Split('/')[0]).ToHashSet();
        foreach (var name in names.Where(name => !Path.Exists(Path.Combine(place, name))))
            File.CreateSymbolicLink(Path.Combine(place, name), $"{Data}/{name}");
        foreach (
            var gone in Directory
                .EnumerateFileSystemEntries(place)
                .Where(entry => Path.GetFileName(entry) is var name && !name.StartsWith("..", StringComparison.Ordinal) && !names.Contains(name))
                .ToList()
        )
            File.Delete(gone);
        if (old is not null)
            Directory.Delete(old.FullName, recursive: true);
    }

    // File.Move refuses links to folders.
    [LibraryImport("libc", EntryPoint = "rename", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Rename(string from, string to);
}
