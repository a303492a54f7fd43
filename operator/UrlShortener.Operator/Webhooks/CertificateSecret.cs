using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;

namespace UrlShortener.Operator.Webhooks;

/// <summary>The Secret with the certificates. All replicas may write it: of two concurrent writers one succeeds, and the other reads again.</summary>
internal sealed class CertificateSecret(IKubernetes client, WebhookOptions options)
{
    /// <summary>The Secret, for events about it.</summary>
    public V1Secret Reference =>
        new()
        {
            ApiVersion = V1Secret.KubeApiVersion,
            Kind = V1Secret.KubeKind,
            Metadata = new V1ObjectMeta { Name = options.SecretName, NamespaceProperty = options.Namespace },
        };

    /// <summary>
    /// Reads the certificates, and the version that <see cref="TryWriteAsync"/> needs. No version: there is no Secret. No set: the Secret is unreadable.
    /// </summary>
    public async Task<(CertificateSet? Set, string? Version)> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var secret = await client.CoreV1.ReadNamespacedSecretAsync(options.SecretName, options.Namespace, cancellationToken: cancellationToken);
            return (CertificateData.Parse(secret), secret.ResourceVersion());
        }
        catch (HttpOperationException error) when (error.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return (null, null);
        }
    }

    /// <summary>Stores a set; false if another replica was faster.</summary>
    public async Task<bool> TryWriteAsync(CertificateSet set, string? version, CancellationToken cancellationToken)
    {
        var secret = Build(set, version);
        try
        {
            if (version is null)
                await client.CoreV1.CreateNamespacedSecretAsync(
                    secret,
                    options.Namespace,
                    fieldManager: FieldManagers.Webhook,
                    cancellationToken: cancellationToken
                );
            else
                await client.CoreV1.ReplaceNamespacedSecretAsync(
                    secret,
                    options.SecretName,
                    options.Namespace,
                    fieldManager: FieldManagers.Webhook,
                    cancellationToken: cancellationToken
                );
            return true;
        }
        // Another client deleted or wrote it in the meantime.
        catch (HttpOperationException error) when (error.Response.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    private V1Secret Build(CertificateSet set, string? version) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = options.SecretName,
                NamespaceProperty = options.Namespace,
                ResourceVersion = version,
                Labels = Labels.OfOperator(),
            },
            Type = "Opaque",
            Data = CertificateData.Build(set),
        };
}
