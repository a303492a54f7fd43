using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using UrlShortener.Operator.Configuration;
using UrlShortener.Operator.Webhooks;
using Xunit;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>The manifests among each other, and with the code.</summary>
public sealed class InstallationFileTests
{
    [Fact]
    public void Kustomization_OfTheRoot_NamesEveryFile()
    {
        // The folder for further namespaces and the samples are not installed.
        string[] left = [.. ManifestFile.FilesIn("config/namespace"), .. ManifestFile.FilesIn("config/samples")];
        Assert.Equal(ManifestFile.FilesIn("config").Concat(ManifestFile.FilesIn("crds")).Except(left).Order(StringComparer.Ordinal), ManifestFile.Installed());
        Assert.Equal(["apiVersion", "kind", "resources", "images"], ManifestFile.ReadOne(ManifestFile.Root).Select(part => part.Key));
    }

    [Fact]
    public void Deployment_OfTheOperator_FitsItsSettings()
    {
        var options = new OperatorOptions();
        var pod = ManifestFile.ReadOne("config/manager/deployment.yaml")["spec"]!["template"]!;
        var container = pod["spec"]!["containers"]![0]!;
        Assert.Equal([options.Port, options.Webhooks.Port], container["ports"]!.AsArray().Select(port => (int)port!["containerPort"]!));
        Assert.Equal(InstalledCluster.Name, (string?)pod["spec"]!["serviceAccountName"]);
        var variables = container["env"]!
            .AsArray()
            .Select(variable => new KeyValuePair<string, string?>(
                ((string)variable!["name"]!).Replace("__", ":", StringComparison.Ordinal),
                (string?)variable["value"]
            ));
        var (read, errors) = Settings.Read(new ConfigurationBuilder().AddInMemoryCollection(variables).Build());
        Assert.Empty(errors);
        Assert.Equal([InstalledCluster.RegionNamespace], read.NamespaceList);
    }

    [Fact]
    public void Deployment_OfTheOperator_RunsWithTheLeastRights()
    {
        var pod = ManifestFile.ReadOne("config/manager/deployment.yaml")["spec"]!["template"]!["spec"]!;
        Assert.True((bool)pod["securityContext"]!["runAsNonRoot"]!);
        Assert.Equal(1654, (int)pod["securityContext"]!["runAsUser"]!);
        Assert.Equal("RuntimeDefault", (string?)pod["securityContext"]!["seccompProfile"]!["type"]);
        var container = pod["containers"]![0]!["securityContext"]!;
        Assert.True((bool)container["readOnlyRootFilesystem"]!);
        Assert.False((bool)container["allowPrivilegeEscalation"]!);
        Assert.Equal(["ALL"], ManifestFile.Texts(container["capabilities"]!["drop"]));
    }

    [Fact]
    public void Services_OfTheOperator_FindItsPodsByTheirLabels()
    {
        var deployment = ManifestFile.ReadOne("config/manager/deployment.yaml")["spec"]!;
        var labels = deployment["template"]!["metadata"]!["labels"]!.AsObject();
        var services = ManifestFile.Read("config/manager/services.yaml");
        Assert.Contains(services, service => (string?)service["metadata"]!["name"] == new WebhookOptions().ServiceName);
        IEnumerable<JsonNode?> selectors =
        [
            deployment["selector"]!["matchLabels"],
            .. services.Select(service => service["spec"]!["selector"]),
            ManifestFile.ReadOne("config/manager/networkpolicy.yaml")["spec"]!["podSelector"]!["matchLabels"],
            ManifestFile.ReadOne("config/manager/poddisruptionbudget.yaml")["spec"]!["selector"]!["matchLabels"],
        ];
        Assert.All(selectors, selector => Assert.All(selector!.AsObject(), label => Assert.Equal((string?)label.Value, (string?)labels[label.Key])));
    }
}
