using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using UrlShortener.Operator.Certificates;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// TLS to the members of a region: the operator reaches them by the addresses of their pods, expects the name of their Service in their certificate, and
/// authenticates with a certificate that they accept.
/// </summary>
internal sealed class MemberConnections : IDisposable
{
    private readonly X509Certificate2Collection _authorities = [];
    private readonly X509Certificate2 _certificate;

    /// <summary>Connections for a set of certificates.</summary>
    /// <param name="set">The certificates.</param>
    /// <param name="host">The name that members have in their certificate.</param>
    public MemberConnections(CertificateSet set, string host)
    {
        Set = set;
        Host = host;
        _authorities.ImportFromPem(set.Bundle);
        _certificate = set.Serving.Open();
        Http = new HttpClient(
            new SocketsHttpHandler
            {
                UseProxy = false,
                AllowAutoRedirect = false,
                ConnectTimeout = Timeout,
                PooledConnectionLifetime = TimeSpan.FromMinutes(1),
                SslOptions = Configure(new SslClientAuthenticationOptions()),
            }
        )
        {
            Timeout = Timeout,
            MaxResponseContentBufferSize = MaxBytes,
        };
    }

    /// <summary>Maximum time for an answer.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private const int MaxBytes = 256 * 1024;

    /// <summary>The certificates that it uses.</summary>
    public CertificateSet Set { get; }

    /// <summary>The name that members have in their certificate.</summary>
    public string Host { get; }

    /// <summary>Client of Patroni's REST API.</summary>
    public HttpClient Http { get; }

    /// <summary>Sets the options of a connection.</summary>
    public SslClientAuthenticationOptions Configure(SslClientAuthenticationOptions options)
    {
        options.TargetHost = Host;
        options.EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
        options.ClientCertificates = [_certificate];
        options.LocalCertificateSelectionCallback = (_, _, _, _, _) => _certificate;
        options.CertificateRevocationCheckMode = X509RevocationMode.NoCheck;
        options.RemoteCertificateValidationCallback = null;
        options.CertificateChainPolicy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, TrustMode = X509ChainTrustMode.CustomRootTrust };
        options.CertificateChainPolicy.CustomTrustStore.AddRange(_authorities);
        return options;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Http.Dispose();
        _certificate.Dispose();
        foreach (var authority in _authorities)
            authority.Dispose();
    }
}
