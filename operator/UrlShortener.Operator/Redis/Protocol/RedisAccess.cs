using System.Security.Cryptography.X509Certificates;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Redis.Protocol;

/// <summary>What a connection to the nodes of a region needs. Not a record, so that the password never appears in a log.</summary>
/// <param name="password">Password of the default user.</param>
/// <param name="authorities">PEM of the trusted certificate authorities; null: without TLS.</param>
/// <param name="serverName">Name in the certificate. Addresses of pods change, so that they are not in it.</param>
/// <param name="others">Passwords for nodes that do not accept <paramref name="password"/> yet, or no longer, during a rotation.</param>
internal sealed class RedisAccess(string? password, string? authorities, string serverName, IReadOnlyList<string>? others = null)
{
    private readonly Lazy<X509Certificate2Collection?> _authorities = new(() => Read(authorities));

    /// <summary>The password; null: none.</summary>
    public string? Password => password;

    /// <summary>All passwords, in the order in which they are tried; empty: none.</summary>
    public IReadOnlyList<string> Passwords { get; } = password is null ? [] : [password, .. others ?? []];

    /// <summary>Name in the certificate.</summary>
    public string ServerName => serverName;

    /// <summary>Trusted authorities; null: without TLS.</summary>
    public X509Certificate2Collection? Authorities => _authorities.Value;

    /// <summary>Changes with any part. Connections that were made with another one are not used again.</summary>
    public string Identity { get; } = Digest.Of([password ?? "", authorities ?? "", serverName, .. others ?? []]);

    /// <inheritdoc />
    public override string ToString() => $"access {Identity}";

    private static X509Certificate2Collection? Read(string? pem)
    {
        if (pem is null)
            return null;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(pem);
        return authorities;
    }
}
