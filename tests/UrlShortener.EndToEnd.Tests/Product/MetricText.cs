using System.Globalization;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>Reads single values of /metrics.</summary>
internal static class MetricText
{
    /// <summary>The sum of a metric's samples that have a label value, or of all.</summary>
    public static async Task<double> ReadMetricAsync(this ProductProcess product, string name, string label = "")
    {
        var reply = await product.Anonymous.GetAsync("/metrics");
        Assert.Equal(200, reply.Status);
        var samples = reply
            .Text.Split('\n')
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line[name.Length] is ' ' or '{' && line.Contains(label, StringComparison.Ordinal))
            .Select(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture))
            .ToList();
        Assert.True(samples.Count > 0, $"There is no {name} with {label}.");
        return samples.Sum();
    }

    /// <summary>Waits until a process has so many unused codes in memory.</summary>
    public static Task<double> WaitForCodesAsync(this ProductProcess product, int level) =>
        Eventually.ReadAsync(
            async () =>
            {
                // Nothing is told of the pool before it is first used.
                var metrics = await product.Anonymous.GetAsync("/metrics");
                return metrics.Text.Contains("\nshortener_key_pool_level{", StringComparison.Ordinal)
                    ? await product.ReadMetricAsync("shortener_key_pool_level")
                    : 0;
            },
            codes => codes >= level,
            $"there are {level} codes in memory"
        );
}
