using System.Globalization;
using System.Text;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// The file system that a container's processes see: a view of this machine's that keeps what they write to itself, with the pod's volumes at their mount
/// paths, empty <c>/run</c> and <c>/dev/shm</c>, and the pod's own <c>/etc/hosts</c>. It is built in a mount namespace of the container's own by a script that
/// then becomes the program, and it ends with the last process. Nothing of it shows outside.
/// </summary>
internal sealed record ContainerRoot
{
    private const string OldRoot = "/.host";

    /// <summary>Folders that a container has for itself, empty, with their modes.</summary>
    private static readonly (string Path, string Mode)[] Empty = [("/run", "755"), ("/dev/shm", "1777")];

    /// <summary>Where other file systems of this machine are mounted.</summary>
    public required IReadOnlyList<string> HostMounts { get; init; }

    /// <summary>An empty folder, on which the container's own layer is mounted.</summary>
    public required string Base { get; init; }

    /// <summary>The file by which the program joins the node's control group; null: there is none.</summary>
    public string? ProcessesFile { get; init; }

    /// <summary>Name of the pod, which the container has as host name.</summary>
    public required string HostName { get; init; }

    /// <summary>What the container sees at other paths than this machine, in the order in which it is mounted.</summary>
    public required IReadOnlyList<ContainerMount> Mounts { get; init; }

    /// <summary>A file with addresses and names, which may be replaced while the container runs.</summary>
    public required string HostsFile { get; init; }

    /// <summary>The user whose name the container knows; null: none but those of this machine.</summary>
    public ContainerUser? User { get; init; }

    /// <summary>A group that the user belongs to besides its own, which is that of the pod's volumes (<c>fsGroup</c>).</summary>
    public long? VolumeGroup { get; init; }

    /// <summary>Whether the container may write to its volumes alone.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>The folder in which the program starts.</summary>
    public required string WorkingFolder { get; init; }

    /// <summary>A file that appears when the program is about to start.</summary>
    public required string StartedFile { get; init; }

    /// <summary>The script of a shell that builds the view and becomes the command which is given to it as arguments. It needs namespaces of its own.</summary>
    public string BuildScript()
    {
        var script = new StringBuilder();
        Line("set -e");
        if (ProcessesFile is { } processes)
            Line($"echo 0 >{Quote(processes)}");
        // The program's PATH is the image's and may lack the tools below.
        Line("path=$PATH; export PATH=/usr/sbin:/usr/bin:/sbin:/bin");
        Line($"base={Quote(Base)}");
        Line("mount -t tmpfs -o mode=755 tmpfs \"$base\"");
        Line("mkdir -p \"$base/root\"");
        Line("view() { mkdir -p \"$base/$1/upper\" \"$base/$1/work\"; chmod \"$4\" \"$base/$1/upper\"");
        Line("  mount -t overlay overlay -o \"lowerdir=$2,upperdir=$base/$1/upper,workdir=$base/$1/work\" \"$3\"; }");
        Line("view rootfs / \"$base/root\" 755");
        Line("cd \"$base/root\"");
        foreach (var mount in OutermostMounts())
            Line(mount == "/tmp" ? "view tmp /tmp tmp 1777" : $"mount --rbind {Quote(mount)} {Quote("." + mount)}");
        Line("mount -t proc proc proc");
        foreach (var (path, mode) in Empty)
            Line($"mount -t tmpfs -o mode={mode} tmpfs .{path}");
        Line($"mkdir .{OldRoot}");
        Line($"pivot_root . .{OldRoot}");
        Line("cd /");
        foreach (var mount in Mounts)
            AppendMount(mount);
        Line($"rm -f /etc/hosts; ln -s {Quote(HostsFile)} /etc/hosts");
        // As the DNS of a cluster: a name that is not there is answered at once, and one with several addresses with all of them.
        Line("rm -f /etc/nsswitch.conf /etc/host.conf; echo 'multi on' >/etc/host.conf");
        Line("printf 'passwd: files\\ngroup: files\\nshadow: files\\nhosts: files\\n' >/etc/nsswitch.conf");
        if (User is { } user)
            AppendUser(user);
        Line($"hostname {Quote(HostName)}");
        Line($"umount -l {OldRoot}; rmdir {OldRoot}");
        Line($"cd {Quote(WorkingFolder)}");
        Line($": >{Quote(StartedFile)}");
        if (IsReadOnly)
            Line("mount -o remount,bind,ro /; mount -o remount,bind,ro /run");
        Line("export PATH=$path");
        Line("exec \"$@\"");
        return script.ToString();

        void Line(string text) => script.Append(text).Append('\n');

        void AppendMount(ContainerMount mount)
        {
            var (source, target) = (Quote(OldRoot + mount.Source), Quote(mount.Target));
            Line(
                $"if [ -d {source} ]; then mkdir -p {target}; else mkdir -p {Quote(Path.GetDirectoryName(mount.Target)!)}; [ -e {target} ] || : >{target}; fi"
            );
            Line($"mount --rbind {source} {target}");
            if (mount.IsReadOnly)
                Line($"mount -o remount,bind,ro {target}");
        }

        void AppendUser(ContainerUser user)
        {
            var (id, group) = (user.User.ToString(CultureInfo.InvariantCulture), user.Group.ToString(CultureInfo.InvariantCulture));
            Line($"sed -i -e '/^{user.Name}:/d' -e '/^[^:]*:[^:]*:{id}:/d' /etc/passwd; echo '{user.Name}:x:{id}:{group}::{user.Home}:/bin/sh' >>/etc/passwd");
            Line($"sed -i -e '/^{user.Name}:/d' -e '/^[^:]*:[^:]*:{group}:/d' /etc/group; echo '{user.Name}:x:{group}:' >>/etc/group");
        }
    }

    /// <summary>A word of the shell that stands for a text as it is.</summary>
    internal static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>The mounts that lie in no other one, apart from those that a container has for itself. What lies in one comes with it.</summary>
    private IEnumerable<string> OutermostMounts()
    {
        var wanted = HostMounts
            .Where(mount => mount is not ("/" or "/proc") && !IsWithin(mount, "/proc") && !Empty.Any(own => IsWithin(mount, own.Path)))
            .Distinct()
            .Order(StringComparer.Ordinal)
            .ToList();
        return wanted.Where(mount => !wanted.Any(other => other != mount && IsWithin(mount, other)));
    }

    private static bool IsWithin(string path, string folder) => path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);
}
