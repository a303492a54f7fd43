using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using k8s;
using k8s.Exceptions;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>
/// Validates the API server's certificate by the certificate authorities of the configuration. It reads them again when a certificate is not trusted, because
/// a cluster may replace its authority while this process runs.
/// </summary>
internal sealed class AuthorityTrust
{
    private readonly Func<X509Certificate2Collection?> _read;

    // Replaced as a whole; several handshakes may run at once.
    private volatile X509Certificate2Collection _authorities;

    private AuthorityTrust(X509Certificate2Collection authorities, Func<X509Certificate2Collection?> read)
    {
        _authorities = authorities;
        _read = read;
    }

    /// <summary>Validates the connections of a handler, before its first request. Does nothing if the configuration has no authorities of its own.</summary>
    /// <param name="handler">The handler.</param>
    /// <param name="configuration">The current configuration.</param>
    /// <param name="read">Reads the configuration again.</param>
    public static void Apply(SocketsHttpHandler handler, KubernetesClientConfiguration configuration, Func<KubernetesClientConfiguration> read)
    {
        if (!configuration.SkipTlsVerify && configuration.SslCaCerts is { Count: > 0 } authorities)
            handler.SslOptions.RemoteCertificateValidationCallback = new AuthorityTrust(authorities, () => read().SslCaCerts).Validate;
    }

    private bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
            return true;
        // A certificate with a wrong name is invalid, whichever authority signed it.
        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || certificate is not X509Certificate2 server)
            return false;
        if (IsTrusted(server, chain, _authorities))
            return true;
        if (TryRead() is not { Count: > 0 } newest || !IsTrusted(server, chain, newest))
            return false;
        _authorities = newest;
        return true;
    }

    private X509Certificate2Collection? TryRead()
    {
        try
        {
            return _read();
        }
        catch (Exception unreadable)
            when (unreadable is IOException or UnauthorizedAccessException or CryptographicException or KubeConfigException or YamlDotNet.Core.YamlException)
        {
            // The file may be partly written; the next connection reads it again.
            return null;
        }
    }

    private static bool IsTrusted(X509Certificate2 server, X509Chain? presented, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        // The cluster's authority may be an intermediate one, whose root is not in the configuration.
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
        foreach (var element in presented?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(server)
            && chain.ChainElements.Any(element =>
                authorities.Any(authority => authority.RawDataMemory.Span.SequenceEqual(element.Certificate.RawDataMemory.Span))
            );
    }
}
