using System.Runtime.InteropServices;

namespace UrlShortener.Runtime.Resilience;

/// <summary>Lowers the calling thread's share of a busy processor.</summary>
internal static partial class BackgroundThread
{
    // A tenth of the weight of a thread that answers requests (sched(7)): those go first on a busy core, and this one still gets on.
    private const int Nice = 10;
    private const int ThisThread = 0; // PRIO_PROCESS and 0; on Linux that is a thread.

    /// <summary>
    /// Lets threads that answer requests go first. Without it a redirect that becomes ready on a core where a batch is being written waits for a whole
    /// slice of the scheduler, some 3 ms. Linux only: .NET's own thread priorities do nothing there, and elsewhere there is nothing to do.
    /// </summary>
    public static void GiveWay()
    {
        // A refusal costs latency and nothing else.
        if (OperatingSystem.IsLinux())
            _ = SetPriority(0, ThisThread, Nice);
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);
}
