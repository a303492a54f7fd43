using System.Globalization;
using System.Text.Json.Nodes;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Regions;

/// <summary>Builds the PodMonitor of a region. Pure.</summary>
internal static class PodMonitorResources
{
    private const int MaxTimeoutSeconds = 10;

    /// <summary>Last part of its name.</summary>
    public const string Suffix = "pods";

    /// <summary>
    /// The PodMonitor of a region's pods: those of the app and of the key generation service. Targets get the same labels as from the PodMonitor in
    /// <c>config/monitoring</c>, so that the rules hold for both. A pod that both select is scraped twice into the same series.
    /// </summary>
    public static V1PodMonitor BuildPodMonitor(V1Alpha1ShortenerRegion region)
    {
        var monitor = region.Spec.Monitoring.PodMonitor;
        var metadata = Owned.Metadata(region, Suffix, Names.App);
        metadata.Labels = Labels.Merge(monitor.Labels, metadata.Labels);
        return new V1PodMonitor
        {
            Metadata = metadata,
            Spec = new JsonObject
            {
                ["jobLabel"] = Labels.NameLabel,
                ["selector"] = new JsonObject
                {
                    ["matchLabels"] = new JsonObject(
                        Labels.SelectorOfRegion(region.Spec.Region).Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))
                    ),
                },
                ["podMetricsEndpoints"] = new JsonArray(
                    new JsonObject
                    {
                        ["port"] = RuntimePod.ManagementPortName,
                        ["path"] = "/metrics",
                        ["interval"] = Seconds(monitor.IntervalSeconds),
                        ["scrapeTimeout"] = Seconds(Math.Min(monitor.IntervalSeconds, MaxTimeoutSeconds)),
                    }
                ),
            },
        };
    }

    private static string Seconds(int seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds}s");
}
