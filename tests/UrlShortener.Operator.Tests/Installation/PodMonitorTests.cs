using System.Text.Json.Nodes;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Pods;
using Xunit;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>The PodMonitors of config/monitoring find the pods: labels, and the name of a container's port.</summary>
public sealed class PodMonitorTests
{
    [Theory]
    [InlineData("app")]
    [InlineData("kgs")]
    public void PodMonitor_OfRegions_SelectsThePodsThatTheOperatorMakes(string component)
    {
        var spec = SpecOf("url-shortener");

        Select(spec, Labels.Of("local", component, "eu"));
        Assert.Equal(RuntimePod.ManagementPortName, PortOf(spec));
        Assert.True((bool)spec["namespaceSelector"]!["any"]!);
    }

    [Fact]
    public void PodMonitor_OfTheOperator_SelectsItsPods()
    {
        var spec = SpecOf("url-shortener-operator");
        var template = ManifestFile.ReadOne("config/manager/deployment.yaml")["spec"]!["template"]!;

        Select(spec, template["metadata"]!["labels"]!.AsObject().ToDictionary(label => label.Key, label => (string)label.Value!));
        Assert.Contains(template["spec"]!["containers"]![0]!["ports"]!.AsArray(), port => (string)port!["name"]! == PortOf(spec));
    }

    private static JsonNode SpecOf(string name) =>
        ManifestFile.Read("config/monitoring/podmonitors.yaml").Single(monitor => (string)monitor["metadata"]!["name"]! == name)["spec"]!;

    private static string PortOf(JsonNode spec) => (string)Assert.Single(spec["podMetricsEndpoints"]!.AsArray())!["port"]!;

    private static void Select(JsonNode spec, Dictionary<string, string> labels)
    {
        Assert.All(spec["selector"]!["matchLabels"]!.AsObject(), label => Assert.Equal((string)label.Value!, labels[label.Key]));
        // The rules tell the targets by their job.
        Assert.StartsWith("url-shortener", labels[(string)spec["jobLabel"]!], StringComparison.Ordinal);
    }
}
