using System.Text.Json.Nodes;
using k8s;
using k8s.Autorest;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Tests.Installation;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Monitoring;

/// <summary>
/// The operator's webhooks for one namespace, at an address where nothing answers. As installed, the first has the failure policy Ignore; the one about
/// deletions has Fail, as an installation may set it.
/// </summary>
internal sealed class SilentWebhook : IAsyncDisposable
{
    private readonly RegionLab _lab;

    private SilentWebhook(RegionLab lab) => _lab = lab;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Installs them; returns when the API server has called both in vain.</summary>
    public static async Task<SilentWebhook> InstallAsync(RegionLab lab)
    {
        var configuration = ManifestFile.ReadOne("config/webhook/validatingwebhookconfiguration.yaml");
        configuration["metadata"] = new JsonObject { ["name"] = lab.Namespace };
        foreach (var webhook in configuration["webhooks"]!.AsArray())
        {
            webhook!["clientConfig"] = new JsonObject { ["url"] = $"https://127.0.0.1:{Ports.Take()}/" };
            webhook["namespaceSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["kubernetes.io/metadata.name"] = lab.Namespace } };
            webhook["failurePolicy"] = (string)webhook["name"]! == "validate.urlshortener.dev" ? "Ignore" : "Fail";
        }

        await lab.Client.CustomObjects.CreateClusterCustomObjectAsync(
            configuration,
            "admissionregistration.k8s.io",
            "v1",
            "validatingwebhookconfigurations",
            cancellationToken: Token
        );
        var installed = new SilentWebhook(lab);
        // The operator makes nothing of it.
        var spec = SpecJson.Merge(SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind), new JsonObject { ["suspend"] = "Changes" })!;
        await lab.Client.CreateAsync(SpecJson.Object(V1Alpha1ShortenerRegion.KubeKind, lab.Namespace, "probe", spec));
        await Eventually.HoldsAsync(() => installed.IsDeletionRefusedAsync("probe"), "the API server calls the webhooks");
        return installed;
    }

    private async Task<bool> IsDeletionRefusedAsync(string name)
    {
        try
        {
            await _lab.Client.CustomObjects.DeleteNamespacedCustomObjectAsync(
                ApiGroup.Name,
                ApiGroup.Version,
                _lab.Namespace,
                V1Alpha1ShortenerRegion.KubePlural,
                name,
                dryRun: "All",
                cancellationToken: Token
            );
            return false;
        }
        catch (HttpOperationException refused) when (refused.Response.Content.Contains("failed calling webhook", StringComparison.Ordinal))
        {
            return true;
        }
    }

    // Otherwise the namespace could not be deleted.
    public async ValueTask DisposeAsync() =>
        await _lab.Client.AdmissionregistrationV1.DeleteValidatingWebhookConfigurationAsync(_lab.Namespace, cancellationToken: CancellationToken.None);
}
