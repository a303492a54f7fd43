using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace UrlShortener.TestServers.Kafka;

/// <summary>An authority, the brokers' certificate from it, and a client's. The certificates of the brokers name 127.0.0.1 only.</summary>
public sealed record KafkaKeys
{
    private static readonly TimeSpan Validity = TimeSpan.FromDays(10);

    /// <summary>Certificate of the authority.</summary>
    public required string Authority { get; init; }

    /// <summary>Certificate of a client.</summary>
    public required string ClientCertificate { get; init; }

    /// <summary>Key of that certificate.</summary>
    public required string ClientKey { get; init; }

    /// <summary>Key and certificate of the brokers, in one text.</summary>
    public required string Broker { get; init; }

    /// <summary>Makes new ones, of a new authority.</summary>
    public static KafkaKeys Create(TimeProvider time)
    {
        // An hour back, for clocks that were just set.
        var from = time.GetUtcNow() - TimeSpan.FromHours(1);
        using var authorityKey = NewKey();
        // A name of its own: of two authorities with one name, a client may try the wrong one only.
        var request = new CertificateRequest($"CN=kafka-ca-{Convert.ToHexString(RandomNumberGenerator.GetBytes(4))}", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var authority = request.CreateSelfSigned(from, from + Validity);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        var broker = Issue("CN=kafka", names.Build());
        var client = Issue("CN=clicks", null);
        return new KafkaKeys
        {
            Authority = authority.ExportCertificatePem(),
            ClientCertificate = client.Certificate,
            ClientKey = client.Key,
            Broker = $"{broker.Key}\n{broker.Certificate}\n",
        };

        (string Certificate, string Key) Issue(string subject, X509Extension? extension)
        {
            using var key = NewKey();
            var wanted = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
            wanted.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
            if (extension is not null)
                wanted.CertificateExtensions.Add(extension);
            using var certificate = wanted.Create(authority, from, from + Validity, RandomNumberGenerator.GetBytes(16));
            return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
        }
    }

    private static ECDsa NewKey() => ECDsa.Create(ECCurve.NamedCurves.nistP256);
}
