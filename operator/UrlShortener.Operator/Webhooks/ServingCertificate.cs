using System.Security.Cryptography.X509Certificates;

namespace UrlShortener.Operator.Webhooks;

/// <summary>The certificate that new connections get. Read by connections, written by <see cref="CertificateWorker"/>.</summary>
internal sealed class ServingCertificate
{
    // Never disposed: a handshake may hold it, and there is one in months.
    private volatile X509Certificate2? _current;
    private string? _pem;

    /// <summary>The certificate; null until there is one.</summary>
    public X509Certificate2? Current => _current;

    /// <summary>Takes another one; does nothing when it is the same.</summary>
    public void Use(Certificate certificate)
    {
        if (certificate.CertificatePem == _pem)
            return;
        _current = certificate.Open();
        _pem = certificate.CertificatePem;
    }
}
