using System.Security.Cryptography;

namespace UrlShortener.Runtime.Resilience;

/// <summary>How long to wait after failures. The wait doubles after each failure, up to a limit, and is random so that workers do not retry together.</summary>
internal static class RetryBackoff
{
    /// <summary>Longest wait.</summary>
    public static readonly TimeSpan Max = TimeSpan.FromSeconds(10);

    private const int MaxDoublings = 5;
    private const int Parts = 1_000;
    private static readonly TimeSpan Min = TimeSpan.FromSeconds(1);

    /// <summary>Returns the wait after this many consecutive failures, 1 or more: between half of the limit for that number and the whole limit.</summary>
    public static TimeSpan After(int failures)
    {
        var limit = Limit(failures);
        return (limit / 2) + (limit / 2 * RandomNumberGenerator.GetInt32(Parts + 1) / Parts);
    }

    /// <summary>Returns the longest wait after this many consecutive failures.</summary>
    public static TimeSpan Limit(int failures)
    {
        var limit = Min * (1 << Math.Clamp(failures - 1, 0, MaxDoublings));
        return limit < Max ? limit : Max;
    }
}
