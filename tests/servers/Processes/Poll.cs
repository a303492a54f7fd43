using System.Diagnostics;

namespace UrlShortener.TestServers.Processes;

/// <summary>Waits for what another process does.</summary>
internal static class Poll
{
    // Looks come quickly at first, and seldom later: what is looked at needs the processor to become what is awaited.
    private static readonly TimeSpan FirstInterval = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan MostInterval = TimeSpan.FromMilliseconds(150);

    /// <summary>
    /// Looks again and again until <paramref name="findMissing"/> returns null. It returns what is still missing otherwise, which is what a
    /// <see cref="TimeoutException"/> after <paramref name="limit"/> tells.
    /// </summary>
    public static async Task UntilAsync(string awaited, TimeSpan limit, Func<CancellationToken, Task<string?>> findMissing, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        for (var interval = FirstInterval; await findMissing(cancellationToken) is { } missing; interval = Next(interval))
        {
            if (Stopwatch.GetElapsedTime(started) > limit)
                throw new TimeoutException($"Not within {limit.TotalSeconds:0} s: {awaited}. Last seen: {missing}");
            await Task.Delay(interval, cancellationToken);
        }
    }

    private static TimeSpan Next(TimeSpan interval) => interval * 1.5 < MostInterval ? interval * 1.5 : MostInterval;
}
