using System.Net;
using System.Text;
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
        await client.AdmissionregistrationV1.PatchValidatingWebhookConfigurationAsync(
            new V1Patch(patch, V1Patch.PatchType.StrategicMergePatch),
            options.ConfigurationName,
            fieldManager: FieldManagers.Webhook,
            cancellationToken: cancellationToken
        );
    }
}
