using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using UrlShortener.Operator.Configuration;
using UrlShortener.Operator.Webhooks;
using UrlShortener.TestServers;
using Xunit;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>The manifests among each other, and with the code.</summary>
public sealed class InstallationFileTests
{
    [Fact]
    public void Kustomization_OfTheRoot_NamesEveryFile()
    {
        // What is the user's own is not installed: namespaces and the rights there, and the samples. Images are built. Monitoring has an installation of its own,
        // and the schema of events is for those who read them.
        string[] left =
        [
            .. ManifestFile.FilesIn("config/analytics"),
            .. ManifestFile.FilesIn("config/components"),
            .. ManifestFile.FilesIn("config/images"),
            .. ManifestFile.FilesIn("config/monitoring"),
            .. ManifestFile.FilesIn("config/namespace"),
            .. ManifestFile.FilesIn("config/samples"),
        ];
        Assert.Equal(ManifestFile.FilesIn("config").Concat(ManifestFile.FilesIn("crds")).Except(left).Order(StringComparer.Ordinal), ManifestFile.Installed());
        Assert.Equal(["apiVersion", "kind", "resources", "images", "labels"], ManifestFile.ReadOne(ManifestFile.Root).Select(part => part.Key));
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
    public void Component_OfTheNamespaces_IsTheDefaultOfTheSettings()
    {
        var settings = File.ReadAllLines(Checkout.PathOf("config/components/namespaces/settings.env")).Where(line => !line.StartsWith('#'));
        Assert.Equal([$"Operator__Namespaces={new OperatorOptions().Namespaces}"], settings);
        var binding = ManifestFile.ReadOne("config/components/namespaces/rolebindings.yaml");
        Assert.Equal(InstalledCluster.RegionNamespace, (string?)binding["metadata"]!["namespace"]);
        // The same as the one that users apply to one namespace.
        var single = ManifestFile.ReadOne("config/namespace/rolebinding.yaml");
        Assert.Equal((string?)single["metadata"]!["name"], (string?)binding["metadata"]!["name"]);
        Assert.True(JsonNode.DeepEquals(single["roleRef"], binding["roleRef"]) && JsonNode.DeepEquals(single["subjects"], binding["subjects"]));
    }

    [Fact]
    public void Version_OfTheOperator_IsTheSameInImageAndLabel()
    {
        var root = ManifestFile.ReadOne(ManifestFile.Root);
        Assert.Equal(root["images"]![0]!["newTag"]!.ToString(), root["labels"]![0]!["pairs"]!["app.kubernetes.io/version"]!.ToString());
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
