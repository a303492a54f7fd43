using System.Globalization;
using System.Text.RegularExpressions;

namespace UrlShortener.TestServers.Processes;

/// <summary>
/// The folder of a server or a cluster: in memory (/dev/shm) or on disk (the system's folder for temporary files). Its name says which process made it, so
/// that folders of processes which were killed are removed by the next one.
/// </summary>
internal sealed partial class ServerFolder
{
    private const string Prefix = "urlshortener-servers-";
    private const string Memory = "/dev/shm";
    private const UnixFileMode OthersMayEnter =
        UnixFileMode.UserRead
        | UnixFileMode.UserWrite
        | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherExecute;

    /// <summary>Containers often have a memory disk of 64 MB, which is too small for a PostgreSQL.</summary>
    private const long LeastMemory = 1L << 30;

    /// <summary>How many this process has made.</summary>
    private static int Made;

    private ServerFolder(string fullName) => FullName = fullName;

    /// <summary>The folder's path.</summary>
    public string FullName { get; }

    /// <summary>Makes a folder, and removes those of dead processes.</summary>
    public static ServerFolder Create(bool onDisk)
    {
        // First, since what dead processes left may be what fills the memory.
        foreach (var place in new[] { Memory, Path.GetTempPath() }.Where(Directory.Exists))
            Sweep(place);
        var name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{ThisProcess()}-{Interlocked.Increment(ref Made)}");
        var folder = new ServerFolder(Path.Combine(onDisk || !IsMemoryLarge() ? Path.GetTempPath() : Memory, name));
        Directory.CreateDirectory(folder.FullName, OthersMayEnter);
        // The mask of this process may have taken a part of the mode away.
        File.SetUnixFileMode(folder.FullName, OthersMayEnter);
        return folder;
    }

    /// <summary>The path of something in the folder.</summary>
    public string PathOf(string name) => Path.Combine(FullName, name);

    /// <summary>Removes the folder with all in it, and the shared memory of killed PostgreSQL servers whose data it holds.</summary>
    public void Delete()
    {
        if (Directory.Exists(FullName))
            Delete(FullName);
    }

    /// <summary>Removes the data of one server that does not run.</summary>
    public static void DeleteData(string folder)
    {
        var lockFile = Path.Combine(folder, "postmaster.pid");
        if (File.Exists(lockFile))
            SharedMemory.RemoveLeftBy(lockFile);
        Directory.Delete(folder, recursive: true);
    }

    private static bool IsMemoryLarge() => Directory.Exists(Memory) && new DriveInfo(Memory).AvailableFreeSpace >= LeastMemory;

    private static string ThisProcess() =>
        string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{ProcFiles.ReadStartTime(Environment.ProcessId) ?? "0"}");

    private static void Sweep(string place)
    {
        foreach (var folder in Directory.EnumerateDirectories(place, Prefix + "*"))
        {
            if (FolderName().Match(Path.GetFileName(folder)) is not { Success: true } name)
                continue;
            if (ProcFiles.ReadStartTime(int.Parse(name.Groups[1].ValueSpan, CultureInfo.InvariantCulture)) == name.Groups[2].Value)
                continue;
            try
            {
                Delete(folder);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another process sweeps it too, its servers are just ending, or it is another user's. It is not ours, and nobody waits for it.
            }
        }
    }

    private static void Delete(string folder)
    {
        foreach (var data in Directory.EnumerateDirectories(folder))
            DeleteData(data);
        Directory.Delete(folder, recursive: true);
    }

    [GeneratedRegex(@"^urlshortener-servers-(\d{1,9})-(\d+)-\d+$")]
    private static partial Regex FolderName();
}
