using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>Runs the script that builds a control plane from Debian's source package, once per process; the script lets one process at a time build.</summary>
internal static class ControlPlaneBuild
{
    private const string Script = "tests/servers/Kubernetes/build-control-plane.sh";
    private static readonly TimeSpan Limit = TimeSpan.FromHours(1);
    private static readonly Lock Sync = new();
    private static Task<string?>? Running;

    /// <summary>Builds into a folder. A caller that is cancelled leaves the build to end, for those who come after it.</summary>
    /// <returns>Null, or why nothing was built.</returns>
    public static Task<string?> RunAsync(string folder, CancellationToken cancellationToken)
    {
        lock (Sync)
            return (Running ??= RunOnceAsync(folder)).WaitAsync(cancellationToken);
    }

    private static async Task<string?> RunOnceAsync(string folder)
    {
        if (!Environment.IsPrivilegedProcess)
            return "only root can build one, since that installs Debian's compiler";
        if (Checkout.Find() is not { } checkout)
            return "the script that builds one is not above this program";
        try
        {
            await Tool.RunAsync(["/bin/bash", Path.Combine(checkout, Script), folder], checkout, Limit, CancellationToken.None);
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException)
        {
            return $"building one failed: {e.Message}";
        }
    }
}
