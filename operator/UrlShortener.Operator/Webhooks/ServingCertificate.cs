using System.Security.Cryptography.X509Certificates;
using UrlShortener.Operator.Certificates;

namespace UrlShortener.Operator.Webhooks;

/// <summary>The certificate of new connections. Connections read it, <see cref="CertificateWorker"/> writes it.</summary>
internal sealed class ServingCertificate
{
    // Never disposed: a handshake may use it, and there is a new one only every few months.
    private volatile X509Certificate2? _current;
    private string? _pem;

    private readonly TaskCompletionSource _available = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The certificate; null until there is one.</summary>
    public X509Certificate2? Current => _current;

    /// <summary>Waits until there is one.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _available.Task.WaitAsync(cancellationToken);

    /// <summary>Switches to a certificate; does nothing if it is the current one.</summary>
    public void Use(Certificate certificate)
    {
        if (certificate.CertificatePem == _pem)
            return;
        _current = certificate.Open();
        _pem = certificate.CertificatePem;
        _available.TrySetResult();
    }
}
