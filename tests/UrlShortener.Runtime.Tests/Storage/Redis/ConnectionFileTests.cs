using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage.Redis;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Redis;

/// <summary>A process whose configuration of Redis is in a file that changes while it runs.</summary>
public sealed class ConnectionFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("connection").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Path => System.IO.Path.Combine(_folder, "connectionString");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task File_HasANewPassword_IsUsedForNewConnectionsAndTold()
    {
        await using var server = await StartAsync();
        await using var admin = await ConnectionMultiplexer.ConnectAsync($"{server.Configuration},allowAdmin=true");
        var node = admin.GetServers().Single();
        await node.ExecuteAsync("ACL", "SETUSER", "default", "resetpass", ">one");
        await WriteAsync($"{server.Configuration},password=one");
        await using var connection = new RedisConnection(
            new ConnectionOptions { Redis = $"{server.Configuration},password=one", RedisPath = Path },
            new RedisOptions(),
            TimeProvider.System,
            NullLogger<RedisConnection>.Instance
        );
        connection.Start();
        await connection.WaitAsync(Token);
        Assert.True(connection.IsConnected);

        await node.ExecuteAsync("ACL", "SETUSER", "default", ">two");
        await WriteAsync($"{server.Configuration},password=two");
        var name = RedisConnection.NamePrefix + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("\ntwo"u8))[..16];
        await Eventually.HoldsAsync(async () => (await node.ExecuteAsync("CLIENT", "LIST")).ToString().Contains($"name={name} ", StringComparison.Ordinal));

        // The former password is refused, and every connection that was made with it ends.
        await node.ExecuteAsync("ACL", "SETUSER", "default", "<one");
        await node.ExecuteAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        await node.ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub");
        await Eventually.HoldsAsync(async () => connection.IsConnected && await AnswersAsync(connection));
    }

    private static async Task<bool> AnswersAsync(RedisConnection connection)
    {
        try
        {
            return await connection.Multiplexer!.GetDatabase().PingAsync() >= TimeSpan.Zero;
        }
        catch (RedisException)
        {
            return false;
        }
    }

    private async Task WriteAsync(string text)
    {
        await File.WriteAllTextAsync($"{Path}.new", text, Token);
        File.Move($"{Path}.new", Path, overwrite: true);
    }

    private static async Task<RedisServer> StartAsync()
    {
        try
        {
            return await RedisServer.StartAsync(new RedisServerOptions(), Token);
        }
        catch (TestServers.ServerUnavailableException unavailable)
        {
            Assert.Skip(unavailable.Message);
            throw;
        }
    }
}
