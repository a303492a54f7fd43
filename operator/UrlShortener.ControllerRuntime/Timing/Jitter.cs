using System.Security.Cryptography;

namespace UrlShortener.ControllerRuntime.Timing;

/// <summary>Randomizes delays, so that processes that started together do not act together.</summary>
internal static class Jitter
{
    private const int Parts = 10_000;

    /// <summary>A random duration between two others.</summary>
    public static TimeSpan Between(TimeSpan least, TimeSpan most) => least + ((most - least) * RandomNumberGenerator.GetInt32(Parts + 1) / Parts);

    /// <summary>A duration changed randomly by at most a fraction, 0 to 1.</summary>
    public static TimeSpan Around(TimeSpan duration, double fraction) => Between(duration * (1 - fraction), duration * (1 + fraction));
}
