using System.Diagnostics;
using System.Runtime.InteropServices;

namespace UrlShortener.Load.OpenModel;

/// <summary>Sleeps to within some ten microseconds. The timers of .NET wake up a millisecond late, which would be part of every latency.</summary>
internal static partial class PreciseSleep
{
    private const int Monotonic = 1;
    private const int Absolute = 1;
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Sleeps until <see cref="Stopwatch.GetTimestamp"/>, which counts the nanoseconds of the same clock on Linux, is at least
    /// <paramref name="timestamp"/>.</summary>
    public static void Until(long timestamp)
    {
        var (seconds, nanoseconds) = Math.DivRem(timestamp, NanosecondsPerSecond);
        var until = new TimeSpec { Seconds = (nint)seconds, Nanoseconds = (nint)nanoseconds };
        // A signal may end a sleep early.
        while (Stopwatch.GetTimestamp() < timestamp)
            _ = Sleep(Monotonic, Absolute, in until, 0);
    }

    [LibraryImport("libc", EntryPoint = "clock_nanosleep")]
    private static partial int Sleep(int clock, int flags, in TimeSpec until, nint remaining);

    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
