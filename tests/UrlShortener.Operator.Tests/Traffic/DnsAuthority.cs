using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace UrlShortener.Operator.Tests.Traffic;

/// <summary>An authoritative DNS server on loopback (RFC 1035, over UDP) with A and AAAA records, and a client of it.</summary>
internal sealed class DnsAuthority : IAsyncDisposable
{
    private const int Header = 12;
    private const ushort Internet = 1;

    private readonly UdpClient _server = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;

    private volatile IReadOnlyDictionary<string, IReadOnlyList<(IPAddress Address, int Ttl)>> _zone = new Dictionary<string, IReadOnlyList<(IPAddress, int)>>();

    public DnsAuthority() => _serving = ServeAsync();

    /// <summary>Replaces all records.</summary>
    public void Publish(IReadOnlyDictionary<string, IReadOnlyList<(IPAddress Address, int Ttl)>> zone) => _zone = zone;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        _server.Dispose();
        _end.Dispose();
    }

    /// <summary>Asks the server by the protocol, as a resolver does.</summary>
    /// <param name="name">The name.</param>
    /// <param name="family">IPv4: A. IPv6: AAAA.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task<IReadOnlyList<(IPAddress Address, int Ttl)>> ResolveAsync(string name, AddressFamily family, CancellationToken cancellationToken)
    {
        using var client = new UdpClient(AddressFamily.InterNetwork);
        client.Connect((IPEndPoint)_server.Client.LocalEndPoint!);
        var question = Question(name, TypeOf(family));
        await client.SendAsync(question, cancellationToken);
        var answer = (await client.ReceiveAsync(cancellationToken).AsTask().WaitAsync(TimeSpan.FromMinutes(1), cancellationToken)).Buffer;
        return [.. Read(answer, question.Length)];
    }

    private static ushort TypeOf(AddressFamily family) => family == AddressFamily.InterNetworkV6 ? (ushort)28 : (ushort)1;

    private static byte[] Question(string name, ushort type)
    {
        List<byte> bytes = [0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
        foreach (var label in name.Split('.'))
            bytes.AddRange([(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]);
        bytes.AddRange([0, 0, (byte)type, 0, (byte)Internet]);
        return [.. bytes];
    }

    private static IEnumerable<(IPAddress Address, int Ttl)> Read(byte[] answer, int at)
    {
        for (var left = BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(6)); left > 0; left--)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(at + 10));
            yield return (new IPAddress(answer.AsSpan(at + 12, length)), BinaryPrimitives.ReadInt32BigEndian(answer.AsSpan(at + 6)));
            at += 12 + length;
        }
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var asked = await _server.ReceiveAsync(_end.Token);
                await _server.SendAsync(Answer(asked.Buffer), asked.RemoteEndPoint, _end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the test.
        }
    }

    private byte[] Answer(byte[] question)
    {
        var labels = new List<string>();
        var at = Header;
        for (; question[at] > 0; at += question[at] + 1)
            labels.Add(Encoding.ASCII.GetString(question, at + 1, question[at]));
        var type = BinaryPrimitives.ReadUInt16BigEndian(question.AsSpan(at + 1));
        var records = _zone.GetValueOrDefault(string.Join('.', labels), []).Where(record => TypeOf(record.Address.AddressFamily) == type).ToList();
        List<byte> bytes = [.. question.AsSpan(0, at + 5)];
        // An authoritative answer without an error.
        (bytes[2], bytes[3], bytes[6], bytes[7]) = (0x84, 0, (byte)(records.Count >> 8), (byte)records.Count);
        foreach (var (address, seconds) in records)
        {
            var (data, ttl) = (address.GetAddressBytes(), new byte[4]);
            BinaryPrimitives.WriteInt32BigEndian(ttl, seconds);
            // A pointer to the name in the question.
            bytes.AddRange([0xC0, Header, 0, (byte)type, 0, (byte)Internet, .. ttl, 0, (byte)data.Length, .. data]);
        }

        return [.. bytes];
    }
}
