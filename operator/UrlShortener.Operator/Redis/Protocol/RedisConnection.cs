using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace UrlShortener.Operator.Redis.Protocol;

/// <summary>
/// A connection to one node, for one command at a time. It never follows a redirection and discovers nothing: the operator must know which node answered, also
/// when the cluster is broken.
/// </summary>
internal sealed class RedisConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly RespReader _reader;

    private RedisConnection(Socket socket, Stream stream)
    {
        _socket = socket;
        _stream = stream;
        _reader = new RespReader(stream);
    }

    /// <summary>Serial number of the node's certificate; null: without TLS.</summary>
    public string? CertificateSerial => _stream is SslStream { RemoteCertificate: { } certificate } ? certificate.GetSerialNumberString() : null;

    /// <summary>Whether the peer has neither ended the connection nor sent anything unexpected.</summary>
    public bool IsUsable => !_socket.Poll(0, SelectMode.SelectRead);

    /// <summary>Connects and logs in.</summary>
    public static async Task<RedisConnection> OpenAsync(IPEndPoint address, RedisAccess access, CancellationToken cancellationToken)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(address, cancellationToken);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (access.Authorities is { } authorities)
                stream = await SecureAsync(stream, authorities, access.ServerName, cancellationToken);
            var connection = new RedisConnection(socket, stream);
            RespReply? refusal = null;
            foreach (var password in access.Passwords)
            {
                if (await connection.SendAsync(["AUTH", password], cancellationToken) is not { Kind: RespKind.Error } reply)
                    return connection;
                refusal ??= reply;
            }

            return refusal is null ? connection : throw new AuthenticationException(refusal.Text);
        }
        catch
        {
            if (stream is not null)
                await stream.DisposeAsync();
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends a command and reads its reply. After an exception the connection is of no use.</summary>
    public async Task<RespReply> SendAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        await WriteAsync([command], cancellationToken);
        return await ReadAsync(cancellationToken);
    }

    /// <summary>Sends commands without waiting for replies.</summary>
    public async Task WriteAsync(IReadOnlyList<IReadOnlyList<string>> commands, CancellationToken cancellationToken) =>
        await _stream.WriteAsync(commands.SelectMany(Encode).ToArray(), cancellationToken);

    /// <summary>Reads the reply of the next command.</summary>
    public Task<RespReply> ReadAsync(CancellationToken cancellationToken) => _reader.ReadAsync(cancellationToken);

    /// <summary>The bytes of a command. Each character is a byte: names of keys need not be text.</summary>
    public static byte[] Encode(IReadOnlyList<string> command)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{command.Count}\r\n");
        foreach (var word in command)
            text.Append(CultureInfo.InvariantCulture, $"${word.Length}\r\n{word}\r\n");
        return Encoding.Latin1.GetBytes(text.ToString());
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    private static async Task<SslStream> SecureAsync(
        Stream stream,
        X509Certificate2Collection authorities,
        string serverName,
        CancellationToken cancellationToken
    )
    {
        var secure = new SslStream(stream);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authorities);
        try
        {
            await secure.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = serverName, CertificateChainPolicy = policy },
                cancellationToken
            );
            return secure;
        }
        catch
        {
            await secure.DisposeAsync();
            throw;
        }
    }
}
