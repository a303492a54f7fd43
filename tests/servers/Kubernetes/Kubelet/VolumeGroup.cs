using System.Globalization;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>Gives a volume to a pod's <c>fsGroup</c>, as kubelets do it.</summary>
internal static class VolumeGroup
{
    private const UnixFileMode Whole = UnixFileMode.SetGroup | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Changes group and mode of all files: the group may read, and write where the volume may be written. With the policy <c>OnRootMismatch</c>, only when
    /// the folder itself is not that way.
    /// </summary>
    public static async Task ApplyAsync(string folder, long group, bool isWritable, string? policy, CancellationToken cancellationToken)
    {
        var number = group.ToString(CultureInfo.InvariantCulture);
        if (
            policy == "OnRootMismatch"
            && isWritable
            && File.GetUnixFileMode(folder).HasFlag(Whole)
            && await ReadGroupAsync(folder, cancellationToken) == number
        )
            return;
        string script = $"""
            chgrp -hR {number} "$1"
            find "$1" -type d -exec chmod {(isWritable ? "ug+rwxs" : "ug+rxs")} '{"{}"}' +
            find "$1" -type f -exec chmod {(isWritable ? "ug+rw" : "ug+r")} '{"{}"}' +
            """;
        await Tool.RunAsync(["/bin/sh", "-ec", script, "sh", folder], "/", Limit, cancellationToken);
    }

    private static Task<string> ReadGroupAsync(string folder, CancellationToken cancellationToken) =>
        Tool.RunAsync(["stat", "--format=%g", folder], "/", Limit, cancellationToken);
}
