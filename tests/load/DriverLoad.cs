using System.Collections.Concurrent;
using System.Diagnostics;

namespace UrlShortener.Load;

/// <summary>A load without HTTP: calls made straight through a driver, by as many loops as wrk would keep connections.</summary>
internal static class DriverLoad
{
    /// <summary>Runs the loops. <paramref name="call"/> gets the number of its loop, from 0.</summary>
    public static async Task<Measurement> MeasureAsync(LoadProfile load, Func<int, CancellationToken, Task> call, CancellationToken cancellationToken)
    {
        var length = TimeSpan.FromSeconds(load.Seconds);
        var latencies = new ConcurrentBag<List<double>>();
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, load.Connections).Select(loop => Task.Run(() => RunAsync(loop), cancellationToken)));
        var elapsed = Stopwatch.GetElapsedTime(started);
        double[] sorted = [.. latencies.SelectMany(part => part).Order()];
        return new Measurement(sorted.Length, (long)elapsed.TotalMicroseconds, 0, Percentile(sorted, 0.5), Percentile(sorted, 0.99), 0, 0, 0);

        async Task RunAsync(int loop)
        {
            var mine = new List<double>();
            while (Stopwatch.GetElapsedTime(started) < length)
            {
                if (load.ThinkMilliseconds is { } pause)
                    await Task.Delay(pause, cancellationToken);
                var begun = Stopwatch.GetTimestamp();
                await call(loop, cancellationToken);
                mine.Add(Stopwatch.GetElapsedTime(begun).TotalMicroseconds);
            }

            latencies.Add(mine);
        }
    }

    private static long Percentile(double[] sorted, double share) => (long)sorted[(int)Math.Min(sorted.Length - 1, sorted.Length * share)];
}
