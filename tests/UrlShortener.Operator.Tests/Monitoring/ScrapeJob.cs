using System.Globalization;
using System.Text.Json.Nodes;
using k8s.Models;

namespace UrlShortener.Operator.Tests.Monitoring;

/// <summary>The scrape job that prometheus-operator makes of a PodMonitor, as far as it decides about targets and their labels.</summary>
internal static class ScrapeJob
{
    /// <summary>The job.</summary>
    /// <param name="monitor">The PodMonitor.</param>
    /// <param name="monitorNamespace">Its namespace.</param>
    /// <param name="pods">The pods that Prometheus discovers.</param>
    public static JsonObject Of(JsonNode monitor, string monitorNamespace, IEnumerable<V1Pod> pods)
    {
        var spec = monitor["spec"]!;
        var endpoint = spec["podMetricsEndpoints"]![0]!;
        var owner = $"{monitorNamespace}/{monitor["metadata"]!["name"]}";
        var job = Sanitize((string)spec["jobLabel"]!);
        return new JsonObject
        {
            ["job_name"] = $"podMonitor/{owner}/0",
            ["metrics_path"] = (string)endpoint["path"]!,
            // The interval of the PodMonitor would only make the test wait.
            ["scrape_interval"] = "1s",
            ["scrape_timeout"] = "1s",
            ["static_configs"] = new JsonArray([.. pods.SelectMany(Discover)]),
            ["relabel_configs"] = new JsonArray([
                .. spec["selector"]!["matchLabels"]!
                    .AsObject()
                    .Select(label => Keep($"__meta_kubernetes_pod_label_{Sanitize(label.Key)}", (string)label.Value!)),
                Keep("__meta_kubernetes_pod_container_port_name", (string)endpoint["port"]!),
                Rule("__meta_kubernetes_namespace", "namespace"),
                Rule("__meta_kubernetes_pod_container_name", "container"),
                Rule("__meta_kubernetes_pod_name", "pod"),
                Rule(null, "job", replacement: owner),
                Rule($"__meta_kubernetes_pod_label_{job}", "job", regex: "(.+)"),
                Rule(null, "endpoint", replacement: (string)endpoint["port"]!),
            ]),
        };
    }

    // As Prometheus' own discovery does, which not every build of it has: each port of each container is a target.
    private static IEnumerable<JsonObject> Discover(V1Pod pod) =>
        from container in pod.Spec.Containers
        from port in container.Ports ?? []
        select new JsonObject
        {
            ["targets"] = new JsonArray(string.Create(CultureInfo.InvariantCulture, $"{pod.Status.PodIP}:{port.ContainerPort}")),
            ["labels"] = new JsonObject([
                new("__meta_kubernetes_namespace", pod.Metadata.NamespaceProperty),
                new("__meta_kubernetes_pod_name", pod.Metadata.Name),
                new("__meta_kubernetes_pod_container_name", container.Name),
                new("__meta_kubernetes_pod_container_port_name", port.Name),
                .. pod.Metadata.Labels.Select(label => KeyValuePair.Create($"__meta_kubernetes_pod_label_{Sanitize(label.Key)}", (JsonNode?)label.Value)),
            ]),
        };

    private static JsonObject Keep(string source, string value) =>
        new()
        {
            ["action"] = "keep",
            ["source_labels"] = new JsonArray(source),
            ["regex"] = value,
        };

    private static JsonObject Rule(string? source, string target, string? regex = null, string? replacement = null)
    {
        var rule = new JsonObject { ["target_label"] = target };
        if (source is not null)
            rule["source_labels"] = new JsonArray(source);
        if (regex is not null)
            rule["regex"] = regex;
        if (replacement is not null)
            rule["replacement"] = replacement;
        return rule;
    }

    private static string Sanitize(string label) => string.Concat(label.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_'));
}
