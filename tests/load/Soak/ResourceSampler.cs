using System.Diagnostics;

namespace UrlShortener.Load.Soak;

/// <summary>What a process held at one moment, <paramref name="Seconds"/> after the start of the run.</summary>
internal sealed record ResourceSample(double Seconds, double ResidentBytes, double ManagedBytes, double Handles, double Threads, double Connections);

/// <summary>Looks at a process of the product, again and again.</summary>
internal static class ResourceSampler
{
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestInterval = TimeSpan.FromSeconds(10);

    /// <summary>Runs a load and samples meanwhile.</summary>
    public static async Task<(T Result, IReadOnlyList<ResourceSample> Samples)> DuringAsync<T>(
        Product product,
        TimeSpan length,
        Func<CancellationToken, Task<T>> load,
        CancellationToken cancellationToken
    )
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sampling = SampleAsync(product, IntervalOf(length), end.Token);
        try
        {
            var result = await load(end.Token);
            await end.CancelAsync();
            return (result, await sampling);
        }
        finally
        {
            await end.CancelAsync();
            // Its failure is told by the await above, or is less than that of the load.
            await ((Task)sampling).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>About two hundred samples, none closer than the metrics change and none so far apart that collections hide.</summary>
    private static TimeSpan IntervalOf(TimeSpan length) => TimeSpan.FromTicks(Math.Clamp(length.Ticks / 200, ShortestInterval.Ticks, LongestInterval.Ticks));

    private static async Task<IReadOnlyList<ResourceSample>> SampleAsync(Product product, TimeSpan interval, CancellationToken cancellationToken)
    {
        var samples = new List<ResourceSample>();
        var started = Stopwatch.GetTimestamp();
        try
        {
            while (true)
            {
                var metrics = await product.ReadMetricsAsync(cancellationToken);
                samples.Add(
                    new ResourceSample(
                        Stopwatch.GetElapsedTime(started).TotalSeconds,
                        product.Server.ReadMemory("VmRSS"),
                        metrics.Sum("dotnet_total_memory_bytes"),
                        product.Server.CountHandles(),
                        product.Server.CountThreads(),
                        metrics.Sum("shortener_connections_open")
                    )
                );
                await Task.Delay(interval, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The load is over, or the whole run; the caller knows which.
            return samples;
        }
    }
}
