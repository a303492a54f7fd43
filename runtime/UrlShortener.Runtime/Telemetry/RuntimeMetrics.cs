using Prometheus;

namespace UrlShortener.Runtime.Telemetry;

/// <summary>Settings that all metrics share.</summary>
internal static class RuntimeMetrics
{
    /// <summary>Upper bounds of latency buckets, in seconds: 0.25 ms to 5 s, with the alert thresholds 0.2 and 0.5 among them.</summary>
    public static readonly double[] LatencyBuckets = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5];

    /// <summary>
    /// Leaves out the library's adapter for .NET meters: it would listen to Kestrel's and make every redirect pay for measurements we take ourselves.
    /// </summary>
    public static void Configure()
    {
        Metrics.SuppressDefaultMetrics(new SuppressDefaultMetricOptions { SuppressMeters = true, SuppressEventCounters = true });
        // There are no traces to point at, and looking for one costs more than the count.
        Metrics.DefaultFactory.ExemplarBehavior = ExemplarBehavior.NoExemplars();
    }
}
