using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace UrlShortener.Operator.Certificates;

/// <summary>Creates a private certificate authority, and serving certificates that it signs.</summary>
internal static class CertificateIssuer
{
    /// <summary>Lifetime of an authority.</summary>
    public static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(365);

    /// <summary>Lifetime of a serving certificate.</summary>
    public static readonly TimeSpan ServingLife = TimeSpan.FromDays(90);

    /// <summary>Maximum lag of clocks on other machines.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    private const int SerialLength = 16;
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>A self-signed authority.</summary>
    /// <param name="name">Its name, for people.</param>
    /// <param name="now">The time.</param>
    public static Certificate CreateAuthority(string name, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // Clients trust two authorities while one replaces the other; the names distinguish them.
        var request = new CertificateRequest($"CN={name} {now:yyyyMMddHHmmss}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true)
        );
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using var signed = request.CreateSelfSigned(now - ClockSkew, now + AuthorityLife);
        return Certificate.TryRead(signed.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem())!;
    }

    /// <summary>A serving certificate. It expires no later than its authority.</summary>
    public static Certificate CreateServing(Certificate authority, CertificateProfile profile, DateTimeOffset now)
    {
        using var issuer = authority.Open();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={CommonNameOf(profile.Names)}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(UsesOf(profile), critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer, includeKeyIdentifier: true, includeIssuerAndSerial: false)
        );
        request.CertificateExtensions.Add(BuildNames(profile.Names));
        var notBefore = now - ClockSkew < authority.NotBefore ? authority.NotBefore : now - ClockSkew;
        var notAfter = now + ServingLife > authority.NotAfter ? authority.NotAfter : now + ServingLife;
        using var signed = request.Create(issuer, notBefore, notAfter, RandomNumberGenerator.GetBytes(SerialLength));
        return Certificate.TryRead(signed.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem())!;
    }

    /// <summary>Common name of the serving certificate for names: the first of them, as far as a common name can be (64 characters, RFC 5280).</summary>
    public static string CommonNameOf(IReadOnlyList<string> names) => names[0][..Math.Min(names[0].Length, 64)];

    private static OidCollection UsesOf(CertificateProfile profile) =>
        profile.IsClient ? [new Oid(ServerAuthentication), new Oid(ClientAuthentication)] : [new Oid(ServerAuthentication)];

    private static X509SubjectAlternativeNameExtension BuildNames(IReadOnlyList<string> names)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
                builder.AddIpAddress(address);
            else
                builder.AddDnsName(name);
        }

        // Parsed again, so that the names have the same form as those of a certificate that was read.
        var built = builder.Build();
        return new X509SubjectAlternativeNameExtension(built.RawData, built.Critical);
    }
}
