namespace UrlShortener.ControllerRuntime.Timing;

/// <summary>Buckets of histograms of durations.</summary>
internal static class DurationBuckets
{
    /// <summary>Upper bounds in seconds, from 5 ms to a minute.</summary>
    public static readonly double[] Seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
}
