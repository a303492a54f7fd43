using System.Security.Cryptography;

namespace UrlShortener.Runtime.Resilience;

/// <summary>Randomises waits, so that callers that failed together do not retry together.</summary>
internal static class Jitter
{
    /// <summary>A random duration between 0.5 and 1.5 times the given one.</summary>
    public static TimeSpan Around(TimeSpan duration) => duration * (0.5 + (RandomNumberGenerator.GetInt32(1_000) / 1_000.0));
}
