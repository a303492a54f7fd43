using System.Net;
using System.Text;
using k8s;
using k8s.Autorest;
using k8s.Models;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Webhooks;

/// <summary>The Secret with the certificates. All replicas may write it: of two concurrent writers one succeeds, and the other reads again.</summary>
internal sealed class CertificateSecret(IKubernetes client, WebhookOptions options)
{
    private const string AuthorityCertificate = "ca.crt";
    private const string AuthorityKey = "ca.key";
    private const string NextCertificate = "next-ca.crt";
    private const string NextKey = "next-ca.key";
    private const string FormerCertificate = "former-ca.crt";
    private const string ServingCertificate = "tls.crt";
    private const string ServingKey = "tls.key";

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
            return (Parse(secret), secret.ResourceVersion());
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

    private V1Secret Build(CertificateSet set, string? version)
    {
        var data = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        Add(AuthorityCertificate, set.Authority.CertificatePem);
        Add(AuthorityKey, set.Authority.KeyPem);
        Add(NextCertificate, set.NextAuthority?.CertificatePem);
        Add(NextKey, set.NextAuthority?.KeyPem);
        Add(FormerCertificate, set.FormerAuthority?.CertificatePem);
        Add(ServingCertificate, set.Serving.CertificatePem);
        Add(ServingKey, set.Serving.KeyPem);
        return new V1Secret
        {
            Metadata = new V1ObjectMeta
            {
                Name = options.SecretName,
                NamespaceProperty = options.Namespace,
                ResourceVersion = version,
                Labels = Labels.OfOperator(),
            },
            Type = "Opaque",
            Data = data,
        };

        void Add(string key, string? pem)
        {
            if (pem is not null)
                data[key] = Encoding.UTF8.GetBytes(pem);
        }
    }

    private static CertificateSet? Parse(V1Secret secret)
    {
        var authority = Certificate.TryRead(Text(AuthorityCertificate), Text(AuthorityKey) ?? "");
        var serving = Certificate.TryRead(Text(ServingCertificate), Text(ServingKey) ?? "");
        return authority is null || serving is null
            ? null
            : new CertificateSet(
                authority,
                Certificate.TryRead(Text(NextCertificate), Text(NextKey) ?? ""),
                Certificate.TryRead(Text(FormerCertificate), null),
                serving
            );

        string? Text(string key) => secret.Data?.TryGetValue(key, out var bytes) == true ? Encoding.UTF8.GetString(bytes) : null;
    }
}
