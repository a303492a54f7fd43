using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>The keys of one control plane: an authority, the API server's certificate from it, and the key that signs tokens of service accounts.</summary>
internal sealed class ControlPlaneKeys
{
    private static readonly TimeSpan Validity = TimeSpan.FromDays(30);

    private ControlPlaneKeys(string authorityPem, string certificatePem, string keyPem, string tokenKeyPem)
    {
        AuthorityPem = authorityPem;
        CertificatePem = certificatePem;
        KeyPem = keyPem;
        TokenKeyPem = tokenKeyPem;
    }

    /// <summary>Certificate of the authority, which clients trust.</summary>
    public string AuthorityPem { get; }

    /// <summary>Certificate of the API server.</summary>
    public string CertificatePem { get; }

    /// <summary>Key of the API server's certificate.</summary>
    public string KeyPem { get; }

    /// <summary>Key that signs and checks tokens of service accounts.</summary>
    public string TokenKeyPem { get; }

    /// <summary>Makes new ones, valid for 30 days.</summary>
    /// <param name="time">Clock.</param>
    /// <param name="tokenKeyPem">Key that signs tokens; null: a new one.</param>
    public static ControlPlaneKeys Create(TimeProvider time, string? tokenKeyPem = null)
    {
        // An hour back, for clocks that were just set.
        var from = time.GetUtcNow() - TimeSpan.FromHours(1);
        using var authorityKey = NewKey();
        var request = new CertificateRequest("CN=test-cluster-ca", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        var identifier = new X509SubjectKeyIdentifierExtension(request.PublicKey, false);
        request.CertificateExtensions.Add(identifier);
        using var authority = request.CreateSelfSigned(from, from + Validity);

        using var key = NewKey();
        var server = new CertificateRequest("CN=kube-apiserver", key, HashAlgorithmName.SHA256);
        server.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        server.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        server.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(identifier));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        foreach (var name in new[] { "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc" })
            names.AddDnsName(name);
        server.CertificateExtensions.Add(names.Build());
        using var certificate = server.Create(authority, from, from + Validity, RandomNumberGenerator.GetBytes(16));

        using var tokenKey = NewKey();
        return new ControlPlaneKeys(
            authority.ExportCertificatePem(),
            certificate.ExportCertificatePem(),
            key.ExportECPrivateKeyPem(),
            tokenKeyPem ?? tokenKey.ExportECPrivateKeyPem()
        );
    }

    private static ECDsa NewKey() => ECDsa.Create(ECCurve.NamedCurves.nistP256);
}
