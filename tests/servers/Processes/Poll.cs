using System.Diagnostics;

namespace UrlShortener.TestServers.Processes;

/// <summary>Waits for what another process does.</summary>
internal static class Poll
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(15);

    /// <summary>
    /// Looks again and again until <paramref name="findMissing"/> returns null. It returns what is still missing otherwise, which is what a
    /// <see cref="TimeoutException"/> after <paramref name="limit"/> tells.
    /// </summary>
    public static async Task UntilAsync(string awaited, TimeSpan limit, Func<CancellationToken, Task<string?>> findMissing, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (await findMissing(cancellationToken) is { } missing)
        {
            if (Stopwatch.GetElapsedTime(started) > limit)
                throw new TimeoutException($"Not within {limit.TotalSeconds:0} s: {awaited}. Last seen: {missing}");
            await Task.Delay(Interval, cancellationToken);
        }
    }
}
