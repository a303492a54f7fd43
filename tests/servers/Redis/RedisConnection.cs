using System.Globalization;
using System.Net.Sockets;
using System.Text;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Redis;

/// <summary>
/// A connection for administration. A client library would follow redirections and talk to other nodes; here it must be known which node answered.
/// </summary>
internal sealed class RedisConnection : IDisposable
{
    private const int LongestReply = 16 * 1024 * 1024;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly TcpClient _client = new() { NoDelay = true };
    private BufferedStream? _stream;

    /// <summary>Sends one command to a port of 127.0.0.1 on a connection of its own.</summary>
    /// <exception cref="RedisErrorException">The node refused it.</exception>
    /// <exception cref="TimeoutException">The node did not answer within a minute.</exception>
    public static async Task<RedisReply> SendAsync(int port, IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timed.CancelAfter(Limit);
        try
        {
            using var connection = new RedisConnection();
            await connection._client.ConnectAsync(Ports.EndPointOf(port), timed.Token);
            connection._stream = new BufferedStream(connection._client.GetStream());
            return await connection.SendAsync(command, timed.Token);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new TimeoutException($"Redis on port {port} did not answer {command[0]} within {Limit.TotalSeconds:0} s.");
        }
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _client.Dispose();
    }

    private async Task<RedisReply> SendAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{command.Count}\r\n");
        foreach (var word in command)
            text.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        await _client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancellationToken);
        return await ReadAsync(cancellationToken);
    }

    private async Task<RedisReply> ReadAsync(CancellationToken cancellationToken)
    {
        var line = await ReadLineAsync(cancellationToken);
        switch (line[0])
        {
            case '-':
                throw new RedisErrorException(line[1..]);
            case '$':
                return new RedisReply(await ReadBulkAsync(ReadLength(line), cancellationToken), []);
            case '*':
                var items = new List<RedisReply>();
                for (var left = ReadLength(line); left > 0; left--)
                    items.Add(await ReadAsync(cancellationToken));
                return new RedisReply(null, items);
            default:
                return new RedisReply(line[1..], []);
        }
    }

    private static int ReadLength(string line) =>
        int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture) is var length && length <= LongestReply
            ? length
            : throw new IOException($"A reply of {length} bytes is too long.");

    private async Task<string?> ReadBulkAsync(int length, CancellationToken cancellationToken)
    {
        if (length < 0)
            return null;
        var bytes = new byte[length + 2];
        await _stream!.ReadExactlyAsync(bytes, cancellationToken);
        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        var one = new byte[1];
        var line = new List<byte>();
        do
        {
            await _stream!.ReadExactlyAsync(one, cancellationToken);
            line.Add(one[0]);
        } while (line is not [.., (byte)'\r', (byte)'\n']);
        return line.Count > 2 ? Encoding.UTF8.GetString([.. line[..^2]]) : throw new IOException("Redis sent an empty line.");
    }
}
