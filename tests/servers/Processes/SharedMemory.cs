using System.Globalization;
using System.Runtime.InteropServices;

namespace UrlShortener.TestServers.Processes;

/// <summary>
/// A PostgreSQL server holds a small segment of shared memory by which a second one on the same data is noticed. A killed server leaves it to the next
/// start on the same data; where there is none, it must be removed, or it stays until the machine restarts.
/// </summary>
internal static partial class SharedMemory
{
    private const string Segments = "/proc/sysvipc/shm";
    private const int Remove = 0;

    /// <summary>Which line of postmaster.pid holds key and number of the segment, counted from 0.</summary>
    private const int SegmentLine = 6;

    /// <summary>
    /// Removes the segment that a postmaster.pid names, provided that its server made it. The data is about to be deleted: a process that is just ending may still be
    /// attached, and the segment goes with it.
    /// </summary>
    public static void RemoveLeftBy(string lockFile)
    {
        var lines = File.ReadAllLines(lockFile);
        if (lines.Length <= SegmentLine || !File.Exists(Segments))
            return;
        if (lines[SegmentLine].Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var key, var number])
            return;
        foreach (var line in File.ReadLines(Segments))
        {
            // key, number, mode, size, creator
            if (
                line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var itsKey, var itsNumber, _, _, var creator, ..]
                && itsKey == key
                && itsNumber == number
                && creator == lines[0]
            )
            {
                _ = Control(int.Parse(number, CultureInfo.InvariantCulture), Remove, 0);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "shmctl")]
    private static partial int Control(int segment, int command, nint buffer);
}
