using System.Net.Sockets;
using System.Text;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Http;

public sealed class ConnectionTests : ProductTest
{
    // Their heads are more than the memory of the process below.
    private const int Flood = 5_000;
    private const int HeadBytes = 30_000;

    [Fact]
    public async Task Connections_EachWithAHeadThatNeverEnds_LeaveTheProcessAlive()
    {
        // 128 MiB. The default limit follows the memory.
        var product = Own(await ProductProcess.StartAsync(new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = "0x8000000" }));
        var code = await product.Owner.CreateLinkAsync();
        var head = Encoding.ASCII.GetBytes($"GET /{code} HTTP/1.1\r\nHost: flood\r\nX: ".PadRight(HeadBytes, 'x'));
        var connections = new List<Socket>();
        try
        {
            for (var i = 0; i < Flood; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                connections.Add(socket);
                try
                {
                    await socket.ConnectAsync(product.Http.BaseAddress!.Host, product.Http.BaseAddress.Port, TestContext.Current.CancellationToken);
                    socket.Blocking = false;
                    socket.Send(head, SocketFlags.None, out _);
                }
                catch (SocketException)
                {
                    // Refused, which is what the limit is for.
                }
            }

            product.AssertIsRunning();
        }
        finally
        {
            connections.ForEach(socket => socket.Dispose());
        }

        var reply = await Eventually.ReadAsync(
            () => TryFollowAsync(product, code),
            reply => reply?.Status == 302,
            "the link is followed once the connections are gone"
        );
        Assert.NotNull(reply);
        Assert.True(await product.ReadMetricAsync("shortener_connections_refused_total") > 0);
        Assert.DoesNotContain("OutOfMemory", product.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_MoreThanTheLimit_AreClosedAndCountedAndOthersServed()
    {
        const int Limit = 10;
        var product = await StartAsync($"--Connections:Max={Limit}");
        Assert.Equal(Limit, await product.ReadMetricAsync("shortener_connections_limit"));
        var held = new List<TcpClient>();
        for (var i = 0; i < Limit; i++)
        {
            held.Add(new TcpClient());
            await held[^1].ConnectAsync(product.Http.BaseAddress!.Host, product.Http.BaseAddress.Port, TestContext.Current.CancellationToken);
        }

        // The client of the test holds one itself, which was there first; of ten more one is closed.
        await Eventually.ReadAsync(() => product.ReadMetricAsync("shortener_connections_refused_total"), refused => refused == 1, "one connection is refused");
        Assert.Equal(Limit, await product.ReadMetricAsync("shortener_connections_open"));

        held.ForEach(client => client.Dispose());
        await Eventually.ReadAsync(() => product.ReadMetricAsync("shortener_connections_open"), open => open == 1, "only the test's own connection is open");
    }

    private static async Task<Reply?> TryFollowAsync(ProductProcess product, string code)
    {
        try
        {
            return await product.Anonymous.GetAsync($"/{code}");
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
