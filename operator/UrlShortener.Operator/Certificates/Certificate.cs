using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace UrlShortener.Operator.Certificates;

/// <summary>A certificate and its private key as PEM; a former authority has no key. Not a record, so that the key never appears in a log.</summary>
internal sealed class Certificate
{
    private Certificate(string certificate, string? key, X509Certificate2 parsed)
    {
        CertificatePem = certificate;
        KeyPem = key;
        NotBefore = new DateTimeOffset(parsed.NotBefore.ToUniversalTime());
        NotAfter = new DateTimeOffset(parsed.NotAfter.ToUniversalTime());
        Identity = parsed.Extensions.OfType<X509SubjectKeyIdentifierExtension>().FirstOrDefault()?.SubjectKeyIdentifier;
        IssuerIdentity = parsed.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().FirstOrDefault()?.KeyIdentifier is { } issuer
            ? Convert.ToHexString(issuer.Span)
            : null;
        Names =
        [
            .. parsed
                .Extensions.OfType<X509SubjectAlternativeNameExtension>()
                .SelectMany(extension => extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(address => address.ToString()))),
        ];
    }

    /// <summary>The certificate.</summary>
    public string CertificatePem { get; }

    /// <summary>The private key; null: not kept.</summary>
    public string? KeyPem { get; }

    /// <summary>Start of its validity.</summary>
    public DateTimeOffset NotBefore { get; }

    /// <summary>End of its validity.</summary>
    public DateTimeOffset NotAfter { get; }

    /// <summary>Identity of its key.</summary>
    public string? Identity { get; }

    /// <summary>Identity of the key that signed it; null: self-signed.</summary>
    public string? IssuerIdentity { get; }

    /// <summary>Names and addresses in the certificate.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Reads a certificate and its key; null if they are unreadable or do not match.</summary>
    public static Certificate? TryRead(string? certificate, string? key)
    {
        if (string.IsNullOrEmpty(certificate))
            return null;
        try
        {
            using var parsed = key is null ? X509Certificate2.CreateFromPem(certificate) : X509Certificate2.CreateFromPem(certificate, key);
            return new Certificate(certificate, key, parsed);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The certificate without its key.</summary>
    public Certificate WithoutKey() => TryRead(CertificatePem, null)!;

    /// <summary>With its key, for TLS; the caller disposes it.</summary>
    public X509Certificate2 Open() => X509Certificate2.CreateFromPem(CertificatePem, KeyPem);

    /// <summary>Whether two thirds of its lifetime are over, so that it needs a replacement.</summary>
    public bool IsAging(DateTimeOffset now) => now >= NotBefore + ((NotAfter - NotBefore) * 2 / 3);

    /// <inheritdoc />
    public override string ToString() => $"certificate until {NotAfter:O}";
}
