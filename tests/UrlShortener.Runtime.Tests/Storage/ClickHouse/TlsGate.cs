using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

/// <summary>TLS in front of a port of loopback, with a certificate that is its own authority: the ClickHouse of the tests cannot speak it.</summary>
internal sealed class TlsGate : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly X509Certificate2 _certificate;
    private readonly Task _serving;

    public TlsGate(string serverPort)
    {
        ServerPort = int.Parse(serverPort, CultureInfo.InvariantCulture);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gate", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        _certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        AuthorityPath = Path.Combine(Directory.CreateTempSubdirectory("tls-gate-").FullName, "ca.pem");
        File.WriteAllText(AuthorityPath, _certificate.ExportCertificatePem());
        _listener.Start();
        _serving = ServeAsync();
    }

    /// <summary>The port with TLS.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The port behind.</summary>
    public int ServerPort { get; }

    /// <summary>File with the authority.</summary>
    public string AuthorityPath { get; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        _listener.Stop();
        _certificate.Dispose();
        _end.Dispose();
        Directory.Delete(Path.GetDirectoryName(AuthorityPath)!, recursive: true);
    }

    private async Task ServeAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
                connections.Add(PassAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        try
        {
            using (client)
            using (var server = new TcpClient())
            {
                await using var secure = new SslStream(client.GetStream());
                await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _end.Token);
                await server.ConnectAsync(IPAddress.Loopback, ServerPort, _end.Token);
                await Task.WhenAny(secure.CopyToAsync(server.GetStream(), _end.Token), server.GetStream().CopyToAsync(secure, _end.Token));
            }
        }
        // The client refused the certificate, or either side has gone.
        catch (Exception error) when (error is IOException or OperationCanceledException or AuthenticationException) { }
    }
}
