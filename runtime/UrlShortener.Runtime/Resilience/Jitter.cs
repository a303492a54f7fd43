using System.Security.Cryptography;

namespace UrlShortener.Runtime.Resilience;

/// <summary>Spreads waits, so that those who failed together do not come back together.</summary>
internal static class Jitter
{
    /// <summary>Half to one and a half times a duration.</summary>
    public static TimeSpan Around(TimeSpan duration) => duration * (0.5 + (RandomNumberGenerator.GetInt32(1_000) / 1_000.0));
}
