namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// Keeps the logs of programs that ended by a fault of their own. A pod starts again by itself, so that no test need notice; tests/run.sh tells of them.
/// </summary>
internal static class Crashes
{
    // The first process of a container ignores the signal that `abort` sends, and dies of the instruction after it.
    private const int Abort = 134;
    private const int Segfault = 139;

    /// <summary>Copies a log if the exit code is that of a crash.</summary>
    public static void Keep(int exitCode, string log)
    {
        if (exitCode is not (Abort or Segfault) || Checkout.Find() is not { } checkout)
            return;
        var folder = Directory.CreateDirectory(Path.Combine(checkout, ".artifacts", "crashes"));
        File.Copy(log, Path.Combine(folder.FullName, Path.GetFileName(log)), overwrite: true);
    }
}
