using System.Security.Cryptography;

namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>How long to wait after failures: twice as long after each, up to a limit, and never exactly as long as the neighbours.</summary>
internal static class RetryBackoff
{
    /// <summary>Longest wait.</summary>
    public static readonly TimeSpan Max = TimeSpan.FromSeconds(10);

    private const int MaxDoublings = 5;
    private const int Parts = 1_000;
    private static readonly TimeSpan Min = TimeSpan.FromSeconds(1);

    /// <summary>The wait after so many failures in a row, 1 or more: between half of the limit for that number and all of it.</summary>
    public static TimeSpan After(int failures)
    {
        var limit = Limit(failures);
        return (limit / 2) + (limit / 2 * RandomNumberGenerator.GetInt32(Parts + 1) / Parts);
    }

    /// <summary>The longest wait after so many failures in a row.</summary>
    public static TimeSpan Limit(int failures)
    {
        var limit = Min * (1 << Math.Clamp(failures - 1, 0, MaxDoublings));
        return limit < Max ? limit : Max;
    }
}
