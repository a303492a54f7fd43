using System.Globalization;
using System.Net.Sockets;
using UrlShortener.TestServers.ClickHouse;
using Xunit;

namespace UrlShortener.TestServers.Tests;

public sealed class ClickHouseTests : ServerTest
{
    [Fact]
    public async Task Server_KilledFrozenAndStopped_KeepsWhatItAcknowledged()
    {
        await using var server = await OrSkipAsync(() => ClickHouseServer.StartAsync(Token));
        await using var database = await server.CreateDatabaseAsync("lives", Token);
        await using var other = await server.CreateDatabaseAsync("lives", Token);
        Assert.NotEqual(database.Name, other.Name);
        await database.ExecuteAsync("CREATE TABLE t (x UInt64, at DateTime DEFAULT 0) ENGINE = MergeTree ORDER BY x; INSERT INTO t (x) VALUES (1)", Token);
        Assert.Equal(
            [
                ["1", "1970-01-01 05:30:00"],
            ],
            await database.ReadAsync("SELECT x, at FROM t", Token)
        );
        // The offset of Kathmandu was 5:30 hours in 1970, and has been 5:45 hours since 1986.
        Assert.Equal(
            [
                ["2030-01-01 05:45:00"],
            ],
            await database.ReadAsync("SELECT toDateTime(1893456000)", Token)
        );

        await server.KillAsync(Token);
        Assert.Null(server.ProcessId);
        await server.RestartAsync(Token);
        await database.ExecuteAsync("INSERT INTO t (x) VALUES (2)", Token);

        await server.StopAsync(Token);
        Assert.Null(server.ProcessId);
        await server.RestartAsync(Token);
        Assert.Equal(
            [
                ["1"],
                ["2"],
            ],
            await database.ReadAsync("SELECT x FROM t ORDER BY x", Token)
        );

        await server.FreezeAsync(Token);
        using (var client = new TcpClient())
            await client.ConnectAsync("127.0.0.1", server.Port, Token);
        var answer = database.ReadAsync("SELECT count() FROM t", Token);
        Assert.False(answer.IsCompleted);
        server.Resume();
        Assert.Equal(
            [
                ["2"],
            ],
            await answer
        );
    }

    [Fact]
    public async Task Server_WrongCredentials_AreRefused()
    {
        await using var server = await OrSkipAsync(() => ClickHouseServer.StartAsync(Token));
        using var http = new HttpClient { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{server.Port}/")) };

        var withoutAny = await http.PostAsync("", new StringContent("CREATE DATABASE other"), Token);
        var withWrongPassword = await http.PostAsync($"?user={ClickHouseServer.User}&password=wrong", new StringContent("SELECT 1"), Token);

        Assert.Contains("ACCESS_DENIED", await withoutAny.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        Assert.Contains("AUTHENTICATION_FAILED", await withWrongPassword.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => server.ExecuteAsync("SELECT nothing", Token));
        Assert.Contains("UNKNOWN_IDENTIFIER", error.Message, StringComparison.Ordinal);
    }
}
