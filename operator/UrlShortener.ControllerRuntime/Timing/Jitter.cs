using System.Security.Cryptography;

namespace UrlShortener.ControllerRuntime.Timing;

/// <summary>Spreads waits, so that those who started together do not go on together.</summary>
internal static class Jitter
{
    private const int Parts = 10_000;

    /// <summary>A duration between two others.</summary>
    public static TimeSpan Between(TimeSpan least, TimeSpan most) => least + ((most - least) * RandomNumberGenerator.GetInt32(Parts + 1) / Parts);

    /// <summary>A duration that is off by at most so large a fraction, 0 to 1.</summary>
    public static TimeSpan Around(TimeSpan duration, double fraction) => Between(duration * (1 - fraction), duration * (1 + fraction));
}
