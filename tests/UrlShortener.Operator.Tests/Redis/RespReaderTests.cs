using System.Text;
using FsCheck;
using FsCheck.Fluent;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>What a node answers is read, or refused, and never trusted.</summary>
public sealed class RespReaderTests
{
    private const string Id = "07c37dfeb235213a872192d90877d0cd55635b91";

    [Theory]
    [InlineData("+OK\r\n", nameof(RespKind.Text), "OK")]
    [InlineData("-ERR no such key\r\n", nameof(RespKind.Error), "ERR no such key")]
    [InlineData(":-7\r\n", nameof(RespKind.Integer), "-7")]
    [InlineData("$5\r\na\r\nbc\r\n", nameof(RespKind.Text), "a\r\nbc")]
    [InlineData("$-1\r\n", nameof(RespKind.Null), "")]
    [InlineData("*-1\r\n", nameof(RespKind.Null), "")]
    public async Task Reply_Valid_IsRead(string text, string kind, string expected)
    {
        var reply = await ReadAsync(Encoding.UTF8.GetBytes(text));

        Assert.Equal((kind, expected), (reply.Kind.ToString(), reply.Text));
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData(":x\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData("$9999999999\r\n")]
    [InlineData("$3\r\nabcd\r\n")]
    [InlineData("*100001\r\n")]
    [InlineData("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+x\r\n")]
    public async Task Reply_Invalid_IsRefused(string text) => await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public async Task Reply_CutOff_IsTheEndOfTheStream() =>
        await Assert.ThrowsAsync<EndOfStreamException>(() => ReadAsync(Encoding.UTF8.GetBytes("*2\r\n+a\r\n$4\r\nab")));

    [Fact]
    public void Reply_AnyBytes_AreReadOrRefused() =>
        Prop.ForAll<byte[]>(async bytes =>
            {
                try
                {
                    await ReadAsync(bytes);
                    return true;
                }
                catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
                {
                    return true;
                }
            })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Command_AnyWords_AreReadAsTheyWere() =>
        Prop.ForAll<NonNull<string>[]>(async words =>
            {
                // Each character is a byte.
                string[] command = [.. words.Select(word => Encoding.Latin1.GetString(Encoding.Unicode.GetBytes(word.Get)))];
                var reply = await ReadAsync(RedisConnection.Encode(command));
                return reply.Items.Select(item => item.Text).SequenceEqual(command);
            })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Nodes_AnyText_AreReadOrRefused() =>
        Prop.ForAll<NonNull<string>, int>(
                (text, cut) =>
                {
                    var valid = $"{Id} 10.0.0.1:6379@16379,host myself,master - 0 0 1 connected 0-5460 [5461->-{Id}]\n";
                    var from = Math.Abs(cut % valid.Length);
                    return ClusterMember.TryParseAll(valid[..from] + text.Get + valid[from..]) is null or [{ IsSelf: true }, ..] or { Count: > 0 };
                }
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Nodes_OfARealCluster_AreRead()
    {
        var members = ClusterMember.TryParseAll(
            $"{Id} 127.0.0.1:30004@31004,eu-redis-0-1.eu-redis.shop.svc slave e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1426238317239 4 connected\n"
                + "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 127.0.0.1:30002@31002 master,fail? - 0 1426238316232 2 connected 5461 5463-10922\n"
                + "6ec23923021cf3ffec47632106199cb7f496ce01 :0@0 master,noaddr - 0 0 3 disconnected\n"
                + "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca ::1:30001@31001 myself,master - 0 0 1 connected 0-5460 [5462->-67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1]\n"
        );

        Assert.NotNull(members);
        Assert.Equal("eu-redis-0-1.eu-redis.shop.svc", members[0].HostName);
        Assert.Equal("e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca", members[0].MasterId);
        Assert.True(members[1] is { IsSuspected: true, IsFailed: false });
        Assert.Equal([new SlotRange(5461, 5461), new SlotRange(5463, 10922)], members[1].Slots);
        Assert.True(members[2] is { IsLost: true, IsSuspected: false });
        Assert.True(members[3] is { IsSelf: true, Ip: "::1", Importing.Count: 0 });
        Assert.Equal("67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1", members[3].Migrating[5462]);
    }

    private static Task<RespReply> ReadAsync(byte[] bytes) => new RespReader(new MemoryStream(bytes)).ReadAsync(CancellationToken.None);
}
