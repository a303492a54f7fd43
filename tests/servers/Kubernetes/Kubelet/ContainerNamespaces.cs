using System.Globalization;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>The namespaces of a container: its own mounts, processes, host name and shared memory. The network is this machine's.</summary>
internal static class ContainerNamespaces
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private static readonly Lazy<Task<string?>> Availability = new(FindObstacleAsync);

    /// <summary>
    /// The command that runs a script in new namespaces, as the first process there and the only child of the command's own process. All others end when
    /// that one does. Arguments follow.
    /// </summary>
    // A shell waits for it: unshare would hide which signal has ended it. In a session of its own, since signals to a whole group must stay inside.
    public static IEnumerable<string> Create(string script) =>
        ["unshare", "--mount", "--pid", "--ipc", "--uts", "/bin/sh", "-c", "setsid /bin/sh \"$0\" \"$@\"; exit $?", script];

    /// <summary>The command that runs another one in those of a process.</summary>
    public static IEnumerable<string> Enter(int process) =>
        ["nsenter", "--target", process.ToString(CultureInfo.InvariantCulture), "--mount", "--pid", "--ipc", "--uts", "--root", "--wd"];

    /// <summary>The command that runs another one as a container's user.</summary>
    public static IEnumerable<string> RunAs(ContainerRoot root) =>
        root.User is not { } user
            ? []
            :
            [
                "setpriv",
                string.Create(CultureInfo.InvariantCulture, $"--reuid={user.User}"),
                string.Create(CultureInfo.InvariantCulture, $"--regid={user.Group}"),
                root.VolumeGroup is { } group ? string.Create(CultureInfo.InvariantCulture, $"--groups={group}") : "--clear-groups",
            ];

    /// <summary>Where file systems are mounted on this machine.</summary>
    public static IReadOnlyList<string> ReadMounts() => [.. File.ReadLines("/proc/self/mountinfo").Select(line => Unescape(line.Split(' ')[4]))];

    /// <summary>Where control groups of version 2 are mounted; null where they are not.</summary>
    public static string? FindControlGroups() =>
        File.ReadLines("/proc/self/mountinfo")
            .Where(line => line.Contains(" - cgroup2 ", StringComparison.Ordinal))
            .Select(line => Unescape(line.Split(' ')[4]))
            .FirstOrDefault();

    /// <summary>Makes sure that containers can be had here.</summary>
    /// <exception cref="ServerUnavailableException">They cannot.</exception>
    public static async Task RequireAsync(CancellationToken cancellationToken)
    {
        if (await Availability.Value.WaitAsync(cancellationToken) is { } obstacle)
        {
            throw new ServerUnavailableException(
                $"A process kubelet runs pods in namespaces of their own, which cannot be had here: {obstacle}. Run the tests as root; in a container, a "
                    + "privileged one."
            );
        }
    }

    // In a user namespace no overlay can stand on files of users that it does not know.
    private static async Task<string?> FindObstacleAsync()
    {
        if (!Environment.IsPrivilegedProcess)
            return "this process is not root";
        var folder = ServerFolder.Create(onDisk: false);
        try
        {
            var script = folder.PathOf("try.sh");
            var root = new ContainerRoot
            {
                HostMounts = ReadMounts(),
                Base = Directory.CreateDirectory(folder.PathOf("base")).FullName,
                HostName = "try",
                Mounts = [new ContainerMount(folder.FullName, folder.FullName, IsReadOnly: false)],
                HostsFile = folder.PathOf("hosts"),
                WorkingFolder = folder.FullName,
                StartedFile = folder.PathOf("started"),
            };
            await File.WriteAllTextAsync(script, root.BuildScript());
            await Tool.RunAsync([.. Create(script), "true"], folder.FullName, Limit, CancellationToken.None);
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException or System.ComponentModel.Win32Exception)
        {
            return e.Message;
        }
        finally
        {
            folder.Delete();
        }
    }

    /// <summary>Blanks and the like in a path are written as a backslash and three octal digits.</summary>
    private static string Unescape(string path) =>
        path.Contains('\\', StringComparison.Ordinal)
            ? System.Text.RegularExpressions.Regex.Replace(path, @"\\([0-7]{3})", match => ((char)Convert.ToInt32(match.Groups[1].Value, 8)).ToString())
            : path;
}
