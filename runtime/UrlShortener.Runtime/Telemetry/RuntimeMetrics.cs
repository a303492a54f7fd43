using System.Reflection;
using System.Runtime.CompilerServices;
using Prometheus;

namespace UrlShortener.Runtime.Telemetry;

/// <summary>Settings that all metrics share.</summary>
internal static class RuntimeMetrics
{
    /// <summary>Upper bounds of latency buckets, in seconds: 0.25 ms to 5 s, with the thresholds of alerts and objectives (0.01, 0.05, 0.1, 0.2, 0.5) among
    /// them.</summary>
    public static readonly double[] LatencyBuckets = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5];

    /// <summary>
    /// Leaves out the library's adapter for .NET meters: it would listen to Kestrel's and make every redirect pay for measurements we take ourselves.
    /// </summary>
    public static void Configure()
    {
        Metrics.SuppressDefaultMetrics(
            new SuppressDefaultMetricOptions
            {
                SuppressMeters = true,
                SuppressEventCounters = true,
                SuppressDebugMetrics = true,
            }
        );
        // There are no traces to point at, and looking for one costs more than the count.
        Metrics.DefaultFactory.ExemplarBehavior = ExemplarBehavior.NoExemplars();
    }

    /// <summary>
    /// Adds the region to every series of this process, and reports what was built. A label that only the scrape adds is lost where rules are evaluated
    /// elsewhere. Called once, before the first metric exists.
    /// </summary>
    /// <param name="region">Name of the region.</param>
    /// <param name="role">Role of the process.</param>
    public static void Identify(string region, string role)
    {
        Metrics.DefaultRegistry.SetStaticLabels(new Dictionary<string, string> { ["region"] = region });
        var version = typeof(RuntimeMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+') ?? [];
        Metrics
            .CreateGauge("shortener_build_info", "1, with the version in the labels.", "version", "commit", "role")
            .WithLabels(version.FirstOrDefault("unknown"), version.Skip(1).FirstOrDefault("unknown"), role)
            .Set(1);
    }

    /// <summary>
    /// Creates the metrics of classes now. Otherwise a counter would appear with its first event, and a rate, which needs two samples, would miss that event.
    /// </summary>
    public static void Register(params ReadOnlySpan<Type> owners)
    {
        foreach (var owner in owners)
            RuntimeHelpers.RunClassConstructor(owner.TypeHandle);
    }
}
