using System.Reflection;
using System.Runtime.CompilerServices;
using Prometheus;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Loading;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Regions;
using UrlShortener.Tracing;

namespace UrlShortener.Operator;

/// <summary>Settings that all metrics of the operator share.</summary>
internal static class OperatorMetrics
{
    /// <summary>Value of the label <c>role</c>. The runtime's processes have others.</summary>
    private const string Role = "operator";

    /// <summary>Leaves out what nobody reads, and reports what was built. Creates all metrics now, so that a scrape shows their names before an event.</summary>
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
        Metrics.DefaultFactory.ExemplarBehavior = ExemplarBehavior.NoExemplars();
        var version = typeof(OperatorMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+') ?? [];
        Metrics
            .CreateGauge("shortener_build_info", "1, with the version in the labels.", "version", "commit", "role")
            .WithLabels(version.FirstOrDefault("unknown"), version.Skip(1).FirstOrDefault("unknown"), Role)
            .Set(1);
        foreach (
            var owner in new[]
            {
                typeof(ApplyMetrics),
                typeof(KeyPoolMetrics),
                typeof(LoaderMetrics),
                typeof(RedisMetrics),
                typeof(RegionMetrics),
                typeof(SpanMetrics),
            }
        )
            RuntimeHelpers.RunClassConstructor(owner.TypeHandle);
    }
}
