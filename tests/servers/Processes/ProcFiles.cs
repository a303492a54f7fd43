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

    /// <summary>A process and its children and theirs, a line each: the number, the state, what it waits for in the system, and its command.</summary>
    public static string DescribeTree(int processId, int depth = 0)
    {
        var name = Name(processId);
        var state = ReadStatus(processId) is { } status ? status[0] : "gone";
        var line = $"{new string(' ', depth)}{name} {state} {Read($"/proc/{name}/wchan")} {Read($"/proc/{name}/cmdline")?.Replace('\0', ' ')}";
        return string.Join('\n', ReadChildren(processId).Select(child => DescribeTree(child, depth + 1)).Prepend(line));
    }

    /// <summary>The processes that share the process namespace of one, that one first. Those that ended and were not yet collected are not among them.</summary>
    public static IReadOnlyList<int> ReadNamespace(int processId)
    {
        if (ReadNamespaceName(processId) is not { } wanted)
            return [];
        List<int> found = [processId];
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (
                int.TryParse(Path.GetFileName(folder.AsSpan()), CultureInfo.InvariantCulture, out var process)
                && process != processId
                && ReadNamespaceName(process) == wanted
                && IsAlive(process)
            )
                found.Add(process);
        }

        return found;
    }

    /// <summary>
    /// Whether a process goes by a name: it is its program's, as the system or its first argument has it, or that of the script which an interpreter runs.
    /// </summary>
    public static bool HasName(int processId, string name) =>
        Read($"/proc/{Name(processId)}/comm")?.TrimEnd('\n') == name
        || (Read($"/proc/{Name(processId)}/cmdline") ?? "").Split('\0').Take(2).Any(word => Path.GetFileName(word) == name);

    /// <summary>The ports of 127.0.0.1 from which processes have opened connections.</summary>
    public static IReadOnlyList<int> ReadLoopbackPorts(IEnumerable<int> processes)
    {
        const string Loopback = "0100007F";
        var sockets = processes.SelectMany(ReadSockets).ToHashSet();
        return
        [
            .. (Read("/proc/net/tcp") ?? "")
                .Split('\n')
                .Skip(1)
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                // Number, local and remote address, state, …; the inode is the tenth.
                .Where(fields => fields.Length > 9 && sockets.Contains(fields[9]) && fields[1].StartsWith(Loopback, StringComparison.Ordinal))
                .Select(fields => int.Parse(fields[1].AsSpan(Loopback.Length + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
        ];
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

    private static string? ReadNamespaceName(int processId)
    {
        try
        {
            return File.ResolveLinkTarget($"/proc/{Name(processId)}/ns/pid", returnFinalTarget: false)?.Name;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process is gone, or another user's.
            return null;
        }
    }

    /// <summary>Inodes of a process' sockets.</summary>
    private static IReadOnlyList<string> ReadSockets(int processId)
    {
        const string Start = "socket:[";
        try
        {
            return
            [
                .. Directory
                    .EnumerateFileSystemEntries($"/proc/{Name(processId)}/fd")
                    .Select(file => File.ResolveLinkTarget(file, returnFinalTarget: false)?.Name ?? "")
                    .Where(target => target.StartsWith(Start, StringComparison.Ordinal))
                    .Select(target => target[Start.Length..^1]),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
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
