using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage;
using UrlShortener.Runtime.Storage.Redis;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage;

/// <summary>Which servers are trusted with <c>Redis:CertificateAuthorityPath</c>.</summary>
public sealed class AuthorityFileTests : IDisposable
{
    private const string Name = "eu-redis.shop.svc";
    private const SslPolicyErrors UnknownAuthority = SslPolicyErrors.RemoteCertificateChainErrors;

    private readonly string _folder = Directory.CreateTempSubdirectory("authorities").FullName;

    private string Bundle => Path.Combine(_folder, "ca-bundle.crt");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void IsTrusted_FileChanges_KnowsItsAuthoritiesAtOnce()
    {
        using var old = CreateAuthority();
        using var next = CreateAuthority();
        using var leaf = CreateLeaf(next);
        var file = new AuthorityFile(Bundle);

        Assert.False(file.IsTrusted(this, leaf, null, UnknownAuthority));
        File.WriteAllText(Bundle, old.ExportCertificatePem());
        Assert.False(file.IsTrusted(this, leaf, null, UnknownAuthority));
        File.WriteAllText(Bundle, old.ExportCertificatePem() + "\n" + next.ExportCertificatePem());
        Assert.True(file.IsTrusted(this, leaf, null, UnknownAuthority));
        Assert.False(file.IsTrusted(this, leaf, null, UnknownAuthority | SslPolicyErrors.RemoteCertificateNameMismatch));
        Assert.False(file.IsTrusted(this, null, null, SslPolicyErrors.RemoteCertificateNotAvailable));
        File.WriteAllText(Bundle, "not a certificate");
        Assert.False(file.IsTrusted(this, leaf, null, UnknownAuthority));
    }

    [Fact]
    public async Task Connection_ToAnAddressWithANameInTheCertificate_IsMade()
    {
        using var authority = CreateAuthority();
        using var leaf = CreateLeaf(authority);
        await File.WriteAllTextAsync(Bundle, authority.ExportCertificatePem(), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "tls.crt"), leaf.ExportCertificatePem(), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "tls.key"),
            leaf.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem(),
            TestContext.Current.CancellationToken
        );
        var port = TakePort();
        await using var server = await StartAsync(port);

        Assert.True(await ConnectsAsync($"127.0.0.1:{port},ssl=true,sslHost={Name}"));
        Assert.False(await ConnectsAsync($"127.0.0.1:{port},ssl=true,sslHost=other.{Name}"));
    }

    private async Task<RedisServer> StartAsync(int port)
    {
        try
        {
            return await RedisServer.StartAsync(
                new RedisServerOptions
                {
                    Settings = new Dictionary<string, string>
                    {
                        ["tls-port"] = $"{port}",
                        ["tls-auth-clients"] = "no",
                        ["tls-cert-file"] = Path.Combine(_folder, "tls.crt"),
                        ["tls-key-file"] = Path.Combine(_folder, "tls.key"),
                        ["tls-ca-cert-file"] = Bundle,
                    },
                },
                TestContext.Current.CancellationToken
            );
        }
        catch (TestServers.ServerUnavailableException unavailable)
        {
            Assert.Skip(unavailable.Message);
            throw;
        }
    }

    private async Task<bool> ConnectsAsync(string text)
    {
        await using var connection = new RedisConnection(
            new ConnectionOptions { Redis = text },
            new RedisOptions { CertificateAuthorityPath = Bundle },
            TimeProvider.System,
            NullLogger<RedisConnection>.Instance
        );
        connection.Start();
        await connection.WaitAsync(TestContext.Current.CancellationToken);
        return connection.IsConnected;
    }

    private static int TakePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static X509Certificate2 CreateAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=test {Guid.NewGuid():N}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddHours(-1), now.AddHours(1));
    }

    private static X509Certificate2 CreateLeaf(X509Certificate2 authority)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={Name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Name);
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(authority, authority.NotBefore, authority.NotAfter, [1, 2, 3, 4]);
        return signed.CopyWithPrivateKey(key);
    }
}
