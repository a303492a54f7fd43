using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.S3;

/// <summary>
/// A storage with the S3 interface, over TLS on loopback: versitygw over a folder, with one bucket. It ends with this process, whichever way that ends.
/// </summary>
public sealed class S3Server : IAsyncDisposable
{
    /// <summary>Name of the bucket.</summary>
    public const string Bucket = "backups";

    /// <summary>Host of the server. Clients that read only names in a certificate find it there as a name, too.</summary>
    public const string Host = "127.0.0.1";

    private const string Archive = "../shared/test-servers/s3/versitygw-1.8.0-linux-amd64.xz";
    private const string Program = "versitygw";
    private static readonly TimeSpan UnpackLimit = TimeSpan.FromMinutes(2);

    private readonly string _program;
    private readonly ServerFolder _folder;
    private ServerProcess? _process;

    private S3Server(string program, ServerFolder folder)
    {
        _program = program;
        _folder = folder;
    }

    /// <summary>The port.</summary>
    public int Port { get; } = Ports.Take();

    /// <summary>Name of the key.</summary>
    public string AccessKey { get; } = "test";

    /// <summary>The key.</summary>
    public string SecretKey { get; } = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));

    /// <summary>The certificate of the server, which is its own authority.</summary>
    public string Certificate { get; private set; } = "";

    /// <summary>The key of that certificate, for whoever answers in the place of the server.</summary>
    public string CertificateKey { get; private set; } = "";

    /// <summary>Starts a server, and returns when it answers.</summary>
    /// <exception cref="ServerUnavailableException">The program cannot be had here.</exception>
    public static async Task<S3Server> StartAsync(CancellationToken cancellationToken)
    {
        var server = new S3Server(await FindAsync(cancellationToken), ServerFolder.Create(onDisk: false));
        try
        {
            Directory.CreateDirectory(Path.Combine(server._folder.PathOf("root"), Bucket));
            await server.WriteCertificateAsync(cancellationToken);
            await server.StartProcessAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Removes an object, as an accident does.</summary>
    /// <param name="isWanted">Selects it by its path in the bucket.</param>
    /// <returns>Paths of the removed objects.</returns>
    public IReadOnlyList<string> Remove(Func<string, bool> isWanted)
    {
        var removed = List().Where(isWanted).ToList();
        foreach (var path in removed)
            File.Delete(Path.Combine(_folder.PathOf("root"), Bucket, path));
        return removed;
    }

    /// <summary>Paths of all objects in the bucket, in order.</summary>
    public IReadOnlyList<string> List()
    {
        var bucket = Path.Combine(_folder.PathOf("root"), Bucket);
        return
        [
            .. Directory
                .EnumerateFiles(bucket, "*", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(bucket, file))
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>Ends the server and removes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _folder.Delete();
    }

    private static async Task<string> FindAsync(CancellationToken cancellationToken)
    {
        if (Programs.FindFolder([Program]) is { } installed)
            return Path.Combine(installed, Program);
        var archive = Checkout.Find() is { } checkout ? Path.GetFullPath(Archive, checkout) : null;
        if (archive is null || !File.Exists(archive))
            throw new ServerUnavailableException($"A storage with the S3 interface needs {Program} on the PATH, or {Archive} beside the checkout.");
        var folder = ToolCache.PathOf(Path.GetFileNameWithoutExtension(archive));
        if (!Directory.Exists(folder))
        {
            await ToolCache.FillAsync(
                folder,
                partial =>
                    Tool.RunAsync(["/bin/sh", "-c", $"xz -dc \"$1\" >{Program} && chmod 755 {Program}", "sh", archive], partial, UnpackLimit, cancellationToken)
            );
        }

        return Path.Combine(folder, Program);
    }

    private async Task StartProcessAsync(CancellationToken cancellationToken)
    {
        string[] command =
        [
            _program,
            "--port",
            string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}"),
            "--access",
            AccessKey,
            "--secret",
            SecretKey,
            "--cert",
            _folder.PathOf("tls.crt"),
            "--key",
            _folder.PathOf("tls.key"),
            "--health",
            "/health",
            "--quiet",
            "posix",
            _folder.PathOf("root"),
        ];
        _process = await ServerProcess.StartAsync("S3", command, _folder.FullName, _folder.PathOf("log"), cancellationToken);
        using var http = new HttpClient(
            new SocketsHttpHandler
            {
                UseProxy = false,
                SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null },
            }
        );
        await _process.WaitUntilReadyAsync(
            async token =>
            {
                try
                {
                    using var answer = await http.GetAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{Port}/health")), token);
                    return answer.StatusCode == HttpStatusCode.OK ? null : $"it answers {answer.StatusCode}";
                }
                catch (HttpRequestException refused)
                {
                    return refused.Message;
                }
            },
            cancellationToken
        );
    }

    private async Task WriteCertificateAsync(CancellationToken cancellationToken)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={Host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(10));
        Certificate = certificate.ExportCertificatePem();
        await File.WriteAllTextAsync(_folder.PathOf("tls.crt"), Certificate, cancellationToken);
        CertificateKey = key.ExportPkcs8PrivateKeyPem();
        await File.WriteAllTextAsync(_folder.PathOf("tls.key"), CertificateKey, cancellationToken);
    }
}
