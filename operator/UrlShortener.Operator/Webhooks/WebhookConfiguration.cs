using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using k8s;
using k8s.Autorest;
using k8s.Models;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Webhooks;

/// <summary>The ValidatingWebhookConfiguration, in which the operator publishes the CA bundle.</summary>
internal sealed class WebhookConfiguration(IKubernetes client, WebhookOptions options)
{
    /// <summary>The current configuration; null: there is none.</summary>
    public async Task<V1ValidatingWebhookConfiguration?> FindAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await client.AdmissionregistrationV1.ReadValidatingWebhookConfigurationAsync(
                options.ConfigurationName,
                cancellationToken: cancellationToken
            );
        }
        catch (HttpOperationException error) when (error.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Whether every webhook of a configuration has exactly this CA bundle.</summary>
    public static bool Trusts(V1ValidatingWebhookConfiguration? configuration, string bundle)
    {
        var bytes = Encoding.UTF8.GetBytes(bundle);
        return configuration is not null
            && (configuration.Webhooks ?? []).All(webhook => webhook.ClientConfig.CaBundle is { } published && published.AsSpan().SequenceEqual(bytes));
    }

    /// <summary>Whether a webhook of a configuration has a CA bundle without any certificate of ours.</summary>
    public static bool IsForeign(V1ValidatingWebhookConfiguration configuration, string bundle)
    {
        var own = CertificatesOf(bundle);
        return (configuration.Webhooks ?? []).Any(webhook =>
            webhook.ClientConfig.CaBundle is { Length: > 0 } published && !CertificatesOf(Encoding.UTF8.GetString(published)).Overlaps(own)
        );
    }

    /// <summary>Creates a configuration again, as it was, with a CA bundle.</summary>
    public async Task RestoreAsync(V1ValidatingWebhookConfiguration known, string bundle, CancellationToken cancellationToken)
    {
        foreach (var webhook in known.Webhooks)
            webhook.ClientConfig.CaBundle = Encoding.UTF8.GetBytes(bundle);
        var restored = new V1ValidatingWebhookConfiguration
        {
            ApiVersion = $"{V1ValidatingWebhookConfiguration.KubeGroup}/{V1ValidatingWebhookConfiguration.KubeApiVersion}",
            Kind = V1ValidatingWebhookConfiguration.KubeKind,
            Metadata = new V1ObjectMeta
            {
                Name = options.ConfigurationName,
                Labels = known.Metadata.Labels,
                Annotations = known.Metadata.Annotations,
            },
            Webhooks = known.Webhooks,
        };
        // Uses server-side apply, because RBAC cannot limit creation by POST to a name.
        await PatchAsync(new V1Patch(restored, V1Patch.PatchType.ApplyPatch), force: true, cancellationToken);
        // The operator owns only the bundle. All other fields go to the next client that applies the manifests, without a conflict.
        await PatchAsync(new V1Patch(OwnBundles(known).ToJsonString(), V1Patch.PatchType.MergePatch), force: null, cancellationToken);
    }

    /// <summary>Sets the CA bundle of every webhook of a configuration; changes nothing else.</summary>
    public async Task PublishAsync(V1ValidatingWebhookConfiguration configuration, string bundle, CancellationToken cancellationToken)
    {
        var patch = new V1ValidatingWebhookConfiguration
        {
            // The API server merges webhooks by name.
            Webhooks =
            [
                .. configuration.Webhooks.Select(webhook => new V1ValidatingWebhook
                {
                    Name = webhook.Name,
                    ClientConfig = new Admissionregistrationv1WebhookClientConfig { CaBundle = Encoding.UTF8.GetBytes(bundle) },
                }),
            ],
        };
        await PatchAsync(new V1Patch(patch, V1Patch.PatchType.StrategicMergePatch), force: null, cancellationToken);
    }

    private Task<V1ValidatingWebhookConfiguration> PatchAsync(V1Patch patch, bool? force, CancellationToken cancellationToken) =>
        client.AdmissionregistrationV1.PatchValidatingWebhookConfigurationAsync(
            patch,
            options.ConfigurationName,
            fieldManager: FieldManagers.Webhook,
            force: force,
            cancellationToken: cancellationToken
        );

    private static JsonObject OwnBundles(V1ValidatingWebhookConfiguration configuration)
    {
        var webhooks = new JsonObject();
        foreach (var webhook in configuration.Webhooks)
        {
            var name = new JsonObject { ["name"] = webhook.Name };
            webhooks[$"k:{name.ToJsonString()}"] = new JsonObject { ["f:clientConfig"] = new JsonObject { ["f:caBundle"] = new JsonObject() } };
        }

        var entry = new JsonObject
        {
            ["manager"] = FieldManagers.Webhook,
            ["operation"] = "Update",
            ["apiVersion"] = $"{V1ValidatingWebhookConfiguration.KubeGroup}/{V1ValidatingWebhookConfiguration.KubeApiVersion}",
            ["fieldsType"] = "FieldsV1",
            ["fieldsV1"] = new JsonObject { ["f:webhooks"] = webhooks },
        };
        return new JsonObject { ["metadata"] = new JsonObject { ["managedFields"] = new JsonArray(entry) } };
    }

    private static HashSet<string> CertificatesOf(string bundle) =>
        bundle.Split("-----END CERTIFICATE-----", StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
}
