using System.Net;
using System.Net.Sockets;
using UrlShortener.TestServers.Network;
using Xunit;

namespace UrlShortener.TestServers.Tests;

public sealed class TcpGateTests : ServerTest
{
    [Fact]
    public async Task Gate_Open_PassesBytesAndTheEndBothWays()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        await using var gate = new TcpGate(PortOf(server));
        using var client = await ConnectAsync(gate);
        using var accepted = await server.AcceptSocketAsync(Token);

        await client.SendAsync("ping"u8.ToArray(), Token);
        Assert.Equal("ping"u8.ToArray(), await ReadAsync(accepted, 4));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await accepted.ReceiveAsync(new byte[1], Token));
        await accepted.SendAsync("pong"u8.ToArray(), Token);
        Assert.Equal("pong"u8.ToArray(), await ReadAsync(client, 4));
        accepted.Dispose();
        Assert.Equal(0, await client.ReceiveAsync(new byte[1], Token));
        await Eventually.HoldsAsync(() => gate.Connections == 0, "the gate forgot the connection");
    }

    [Fact]
    public async Task Gate_AnotherTarget_GetsTheNextConnection()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        using var other = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        other.Start();
        await using var gate = new TcpGate(PortOf(server));
        using var client = await ConnectAsync(gate);
        using var accepted = await server.AcceptSocketAsync(Token);

        gate.TargetPort = PortOf(other);

        using var next = await ConnectAsync(gate);
        using var acceptedNext = await other.AcceptSocketAsync(Token);
        await client.SendAsync("old"u8.ToArray(), Token);
        Assert.Equal("old"u8.ToArray(), await ReadAsync(accepted, 3));
        await next.SendAsync("new"u8.ToArray(), Token);
        Assert.Equal("new"u8.ToArray(), await ReadAsync(acceptedNext, 3));
    }

    [Fact]
    public async Task Gate_Closed_ResetsAndRefusesUntilItOpens()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        await using var gate = new TcpGate(PortOf(server));
        using var client = await ConnectAsync(gate);
        using var accepted = await server.AcceptSocketAsync(Token);

        gate.Mode = TcpGateMode.Closed;

        var reset = await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(new byte[1], Token));
        Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
        var refused = await Assert.ThrowsAsync<SocketException>(() => ConnectAsync(gate));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        gate.Mode = TcpGateMode.Open;
        using var again = await ConnectAsync(gate);
        using var acceptedAgain = await server.AcceptSocketAsync(Token);
        await again.SendAsync("ping"u8.ToArray(), Token);
        Assert.Equal("ping"u8.ToArray(), await ReadAsync(acceptedAgain, 4));
    }

    [Fact]
    public async Task Gate_BlackHole_HoldsBytesUntilItOpens()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        await using var gate = new TcpGate(PortOf(server));
        using var client = await ConnectAsync(gate);
        using var accepted = await server.AcceptSocketAsync(Token);
        await client.SendAsync("1"u8.ToArray(), Token);
        Assert.Equal("1"u8.ToArray(), await ReadAsync(accepted, 1));

        gate.Mode = TcpGateMode.BlackHole;
        await client.SendAsync("2"u8.ToArray(), Token);
        var read = ReadAsync(accepted, 1);
        using var late = await ConnectAsync(gate);
        var lateAccepted = server.AcceptSocketAsync(Token).AsTask();
        await Eventually.HoldsAsync(() => gate.Connections == 2, "the gate has the new connection");

        Assert.False(read.IsCompleted);
        Assert.False(lateAccepted.IsCompleted);
        gate.Mode = TcpGateMode.Open;
        Assert.Equal("2"u8.ToArray(), await read);
        using var acceptedLate = await lateAccepted;
    }

    [Fact]
    public async Task Gate_DisposedInBlackHole_ResetsItsConnections()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var gate = new TcpGate(PortOf(server));
        using var client = await ConnectAsync(gate);
        gate.Mode = TcpGateMode.BlackHole;
        await Eventually.HoldsAsync(() => gate.Connections == 1, "the gate has the connection");

        await gate.DisposeAsync();

        await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(new byte[1], Token));
    }

    private static int PortOf(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private static async Task<Socket> ConnectAsync(TcpGate gate)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, gate.Port, Token);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<byte[]> ReadAsync(Socket socket, int length)
    {
        var bytes = new byte[length];
        for (var read = 0; read < length; )
        {
            var more = await socket.ReceiveAsync(bytes.AsMemory(read), Token);
            Assert.NotEqual(0, more);
            read += more;
        }

        return bytes;
    }
}
