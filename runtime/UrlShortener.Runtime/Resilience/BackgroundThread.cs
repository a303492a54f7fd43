using System.Runtime.InteropServices;

namespace UrlShortener.Runtime.Resilience;

/// <summary>Lowers the calling thread's share of a busy processor.</summary>
internal static partial class BackgroundThread
{
    // A tenth of the weight of a thread that answers requests (sched(7)). Request threads go first on a busy core; this thread still makes progress.
    private const int Nice = 10;
    private const int ThisThread = 0; // PRIO_PROCESS and 0; on Linux that is a thread.

    /// <summary>
    /// Lowers this thread's priority so that threads that answer requests run first. Otherwise a redirect that becomes ready on a core where a batch is being
    /// written waits for a whole slice of the scheduler, about 3 ms. Linux only: .NET's own thread priorities have no effect there. On other systems there is
    /// nothing to do.
    /// </summary>
    public static void GiveWay()
    {
        // If the system refuses, only latency suffers.
        if (OperatingSystem.IsLinux())
            _ = SetPriority(0, ThisThread, Nice);
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);
}
