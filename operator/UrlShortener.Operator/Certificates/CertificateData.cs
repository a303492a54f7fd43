using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;

namespace UrlShortener.Operator.Certificates;

/// <summary>The form of a <see cref="CertificateSet"/> in a Secret. Pure.</summary>
internal static class CertificateData
{
    /// <summary>Key of the serving certificate.</summary>
    public const string ServingCertificate = "tls.crt";

    /// <summary>Key of the serving certificate's private key.</summary>
    public const string ServingKey = "tls.key";

    /// <summary>Key of all trusted authorities, for clients.</summary>
    public const string Bundle = "ca-bundle.crt";

    private const string AuthorityCertificate = "ca.crt";
    private const string AuthorityKey = "ca.key";
    private const string NextCertificate = "next-ca.crt";
    private const string NextKey = "next-ca.key";
    private const string FormerCertificate = "former-ca.crt";

    /// <summary>The data of a set.</summary>
    public static Dictionary<string, byte[]> Build(CertificateSet set)
    {
        var data = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        Add(AuthorityCertificate, set.Authority.CertificatePem);
        Add(AuthorityKey, set.Authority.KeyPem);
        Add(NextCertificate, set.NextAuthority?.CertificatePem);
        Add(NextKey, set.NextAuthority?.KeyPem);
        Add(FormerCertificate, set.FormerAuthority?.CertificatePem);
        Add(ServingCertificate, set.Serving.CertificatePem);
        Add(ServingKey, set.Serving.KeyPem);
        Add(Bundle, set.Bundle);
        return data;

        void Add(string key, string? pem)
        {
            if (pem is not null)
                data[key] = Encoding.UTF8.GetBytes(pem);
        }
    }

    /// <summary>The set in a Secret; null: it is missing or unreadable.</summary>
    public static CertificateSet? Parse(V1Secret secret)
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

    /// <summary>The certificates in a text, as PEM, and nothing else that is in it: no private key, and nothing if it is unreadable.</summary>
    public static string CertificatesIn(string? pem)
    {
        if (string.IsNullOrEmpty(pem))
            return "";
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPem(pem);
            return string.Concat(found.Select(certificate => certificate.ExportCertificatePem().TrimEnd() + "\n"));
        }
        catch (CryptographicException)
        {
            return "";
        }
        finally
        {
            foreach (var certificate in found)
                certificate.Dispose();
        }
    }

    /// <summary>Whether the data is that of the set, so that it needs no write: another client may have changed the bundle alone.</summary>
    public static bool Holds(V1Secret secret, CertificateSet set) =>
        Build(set).All(entry => secret.Data?.TryGetValue(entry.Key, out var value) == true && value.AsSpan().SequenceEqual(entry.Value));
}
