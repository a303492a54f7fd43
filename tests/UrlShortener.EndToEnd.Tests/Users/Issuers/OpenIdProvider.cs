using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace UrlShortener.EndToEnd.Tests.Users.Issuers;

/// <summary>An OpenID Connect provider on loopback: discovery and published keys over https, with a certificate of a private CA.</summary>
internal sealed class OpenIdProvider : IAsyncDisposable
{
    private static readonly string[] Algorithms = ["RS256"];

    private readonly X509Certificate2 _authority;
    private readonly X509Certificate2 _certificate;
    private readonly int _requestedPort;
    private WebApplication? _app;
    private int _keyReads;
    private volatile IReadOnlyList<SigningKey> _published = [];
    private volatile string? _traceParent;

    public OpenIdProvider(int port = 0)
    {
        _requestedPort = port;
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest("CN=Test CA", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        authority.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        var now = TimeProvider.System.GetUtcNow();
        _authority = authority.CreateSelfSigned(now.AddHours(-1), now.AddDays(1));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var server = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        server.CertificateExtensions.Add(names.Build());
        server.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        using var issued = server.Create(_authority, now.AddHours(-1), now.AddHours(20), RandomNumberGenerator.GetBytes(16));
        _certificate = issued.CopyWithPrivateKey(key);
    }

    /// <summary>The issuer's address. Known once it was started.</summary>
    public string Issuer { get; private set; } = "";

    /// <summary>The port; it stays the same when the provider is started again.</summary>
    public int Port { get; private set; }

    /// <summary>How often the keys were read.</summary>
    public int KeyReads => _keyReads;

    /// <summary>The header <c>traceparent</c> of the last one who read the keys; null: none was sent.</summary>
    public string? TraceParent => _traceParent;

    /// <summary>The keys that the provider publishes. Set: later reads see the new ones.</summary>
    public IReadOnlyList<SigningKey> Published
    {
        get => _published;
        set => _published = value;
    }

    /// <summary>Writes the CA's certificate for those who should trust it.</summary>
    public Task WriteAuthorityAsync(string path) => File.WriteAllTextAsync(path, _authority.ExportCertificatePem(), CancellationToken.None);

    /// <summary>Starts, or starts again at the same address.</summary>
    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, Port == 0 ? _requestedPort : Port, listen => listen.UseHttps(_certificate))
        );
        _app = builder.Build();
        _app.MapGet(
            "/.well-known/openid-configuration",
            () =>
                Results.Json(
                    new Dictionary<string, object>
                    {
                        ["issuer"] = Issuer,
                        ["jwks_uri"] = $"{Issuer}/keys",
                        ["authorization_endpoint"] = $"{Issuer}/authorize",
                        ["token_endpoint"] = $"{Issuer}/token",
                        ["id_token_signing_alg_values_supported"] = Algorithms,
                    }
                )
        );
        _app.MapGet(
            "/keys",
            (HttpRequest request) =>
            {
                Interlocked.Increment(ref _keyReads);
                _traceParent = request.Headers.TraceParent;
                return Results.Json(new Dictionary<string, object> { ["keys"] = _published.Select(key => key.Public).ToArray() });
            }
        );
        await _app.StartAsync(CancellationToken.None);
        Port = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        Issuer = $"https://localhost:{Port}";
    }

    /// <summary>Goes away.</summary>
    public async Task StopAsync()
    {
        if (_app is null)
            return;
        await _app.DisposeAsync();
        _app = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _certificate.Dispose();
        _authority.Dispose();
        foreach (var key in _published)
            key.Dispose();
    }
}

/// <summary>A key of a provider.</summary>
internal sealed class SigningKey : IDisposable
{
    private readonly RSA _rsa = RSA.Create(2_048);
    private readonly string _id = Guid.NewGuid().ToString("N");

    /// <summary>The key as published (RFC 7517).</summary>
    public IReadOnlyDictionary<string, string> Public
    {
        get
        {
            var parameters = _rsa.ExportParameters(false);
            return new Dictionary<string, string>
            {
                ["kty"] = "RSA",
                ["use"] = "sig",
                ["alg"] = "RS256",
                ["kid"] = _id,
                ["n"] = Base64Url.EncodeToString(parameters.Modulus),
                ["e"] = Base64Url.EncodeToString(parameters.Exponent),
            };
        }
    }

    /// <summary>Signs claims as a provider does.</summary>
    public string Sign(Dictionary<string, object> claims) =>
        Join("RS256", claims, head => _rsa.SignData(head, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    /// <summary>What somebody makes who knows the public key only, and hopes that it is taken for a shared one.</summary>
    public string ForgeWithPublicKey(Dictionary<string, object> claims, bool asPem) =>
        Join(
            "HS256",
            claims,
            head => HMACSHA256.HashData(asPem ? Encoding.ASCII.GetBytes(_rsa.ExportSubjectPublicKeyInfoPem()) : _rsa.ExportSubjectPublicKeyInfo(), head)
        );

    /// <summary>A token without a signature.</summary>
    public string Unsigned(Dictionary<string, object> claims) => Join("none", claims, _ => []);

    public void Dispose() => _rsa.Dispose();

    private string Join(string algorithm, Dictionary<string, object> claims, Func<byte[], byte[]> sign)
    {
        var head = $"{Encode(new() { ["alg"] = algorithm, ["typ"] = "JWT", ["kid"] = _id })}.{Encode(claims)}";
        return $"{head}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(head)))}";
    }

    private static string Encode(Dictionary<string, object> part) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(part));
}
