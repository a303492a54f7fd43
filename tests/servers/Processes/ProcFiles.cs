using System.Globalization;

namespace UrlShortener.TestServers.Processes;

/// <summary>What /proc tells about processes.</summary>
internal static class ProcFiles
{
    private const int StartTimeField = 19;

    // utime, stime, cutime, cstime, in USER_HZ, which is 100 in what Linux shows to programs.
    private const int FirstTimeField = 11;
    private const double TicksPerSecond = 100;

    /// <summary>The direct children of a process, whichever of its threads made them; none when it is gone.</summary>
    public static IReadOnlyList<int> ReadChildren(int processId) =>
        [
            .. ReadThreads(processId)
                .SelectMany(thread => (Read($"{thread}/children") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Select(child => int.Parse(child, CultureInfo.InvariantCulture)),
        ];

    /// <summary>The processes of a session, their children, and so on. Those that ended and were not yet collected are not among them.</summary>
    public static IReadOnlyList<int> ReadSession(int sessionId)
    {
        var parents = new Dictionary<int, int>();
        var found = new HashSet<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (
                !int.TryParse(Path.GetFileName(folder.AsSpan()), CultureInfo.InvariantCulture, out var process)
                || ReadStatus(process) is not [not ("Z" or "X"), var parent, _, var session, ..]
            )
                continue;
            parents[process] = int.Parse(parent, CultureInfo.InvariantCulture);
            if (session == Name(sessionId))
                found.Add(process);
        }

        // A child may have a session of its own.
        for (var before = 0; before < found.Count; )
        {
            before = found.Count;
            found.UnionWith(parents.Where(one => found.Contains(one.Value)).Select(one => one.Key).ToList());
        }

        return [.. found];
    }

    /// <summary>When a process started, in ticks since the machine did; null when it is gone. Together with the number it names a process for good.</summary>
    public static string? ReadStartTime(int processId) => ReadStatus(processId) is { } status ? status[StartTimeField] : null;

    /// <summary>User and system time of a process and of its children that have ended; zero when it is gone.</summary>
    public static TimeSpan ReadCpuTime(int processId) =>
        ReadStatus(processId) is { } status
            ? TimeSpan.FromSeconds(status[FirstTimeField..(FirstTimeField + 4)].Sum(ticks => long.Parse(ticks, CultureInfo.InvariantCulture)) / TicksPerSecond)
            : TimeSpan.Zero;

    /// <summary>Whether a process still runs or is stopped. One that ended and was not yet collected by its parent does not live.</summary>
    public static bool IsAlive(int processId) => ReadStatus(processId) is [not ("Z" or "X"), ..];

    /// <summary>Whether a process is stopped or gone, so that it does nothing now.</summary>
    public static bool IsStill(int processId) => ReadStatus(processId) is null or ["T" or "Z" or "X", ..];

    /// <summary>The fields of /proc/PID/stat from the state on; the name before them may hold spaces.</summary>
    private static string[]? ReadStatus(int processId) =>
        Read($"/proc/{Name(processId)}/stat") is { } text ? text[(text.LastIndexOf(')') + 2)..].Split(' ') : null;

    private static string[] ReadThreads(int processId)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{Name(processId)}/task");
        }
        catch (IOException)
        {
            // The process is gone.
            return [];
        }
    }

    private static string Name(int processId) => processId.ToString(CultureInfo.InvariantCulture);

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // The process ended, before the file was opened or while it was read.
            return null;
        }
    }
}
