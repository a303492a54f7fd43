using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace UrlShortener.Runtime.Storage;

/// <summary>
/// The certificate authorities in a PEM file. Read for each handshake: the file changes when an authority is replaced, and handshakes are rare.
/// </summary>
internal sealed class AuthorityFile(string path)
{
    /// <summary>Whether an authority in the file signed a certificate of a server that has the expected name. Also called from the client's threads.</summary>
    public bool IsTrusted(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        // The system does not know the authority, so that its chain always has errors. Everything else must be right.
        if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
            return false;
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            // The file is being replaced, or unreadable: nobody is trusted, and the client connects again.
            return false;
        }

        using var built = new X509Chain();
        built.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        built.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        built.ChainPolicy.CustomTrustStore.AddRange(authorities);
        if (chain is not null)
            built.ChainPolicy.ExtraStore.AddRange(chain.ChainElements.Select(element => element.Certificate).ToArray());
        using var leaf = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        return built.Build(leaf);
    }
}
