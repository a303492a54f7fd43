using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Statistics;
using UrlShortener.TestHarness.Product;
using UrlShortener.TestServers.ClickHouse;
using Xunit;
using ClickHouseDatabase = UrlShortener.Runtime.Storage.ClickHouse.ClickHouseDatabase;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

public sealed class ClickHouseDatabaseTests(ClickHouseTables tables) : IClassFixture<ClickHouseTables>
{
    private const long Caller = 7;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Query_ServerThatHangsOrIsKilled_IsUnavailableUntilItIsBack()
    {
        await using var server = await Availability.OrSkipAsync(ClickHouseServer.StartAsync(Token));
        using var database = ClickHouseTables.New(
            server.ConnectionStringOf("default"),
            new ClickHouseOptions { QueryTimeout = TimeSpan.FromMilliseconds(200) }
        );
        await Eventually.HoldsAsync(() => AnswersAsync(database), "it answers");

        await server.FreezeAsync(Token);
        await Assert.ThrowsAsync<StatisticsUnavailableException>(() => ReadOneAsync(database));
        // Callers who do not wait for it find out all the same that it hangs: soon their calls fail at once.
        await Eventually.HoldsAsync(
            async () =>
            {
                using var impatient = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
                return await Record.ExceptionAsync(() => ReadOneAsync(database, impatient.Token))
                        is StatisticsUnavailableException { InnerException: DependencyException cause }
                    && cause.Message.Contains("breaker is open", StringComparison.Ordinal);
            },
            "calls fail at once"
        );
        server.Resume();
        await Eventually.HoldsAsync(() => AnswersAsync(database), "it answers again");

        await server.KillAsync(Token);
        await Eventually.HoldsAsync(
            async () => await Record.ExceptionAsync(() => ReadOneAsync(database)) is StatisticsUnavailableException,
            "it is unavailable, once abandoned calls have given their turns back"
        );
        await server.RestartAsync(Token);
        await Eventually.HoldsAsync(() => AnswersAsync(database), "it answers after its restart");
    }

    [Fact]
    public async Task Query_ThatAsksForTooMuch_IsEndedByTheServerAndOpensNoBreaker()
    {
        var (server, database) = await tables.NewAsync(
            new ClickHouseOptions
            {
                QueryTimeout = TimeSpan.FromMilliseconds(300),
                QueryBytes = 16 * 1_048_576,
                ConnectTimeout = TimeSpan.FromSeconds(30),
            }
        );

        for (var i = 0; i < 3; i++)
        {
            var late = await Assert.ThrowsAsync<QueryLimitException>(() =>
                QueryAsync(database, "SELECT sum(sleepEachRow(0.01)) FROM system.numbers SETTINGS max_block_size = 5")
            );
            Assert.Contains("TIMEOUT_EXCEEDED", late.Message, StringComparison.Ordinal);
        }

        var large = await Assert.ThrowsAsync<QueryLimitException>(() => QueryAsync(database, "SELECT length(groupArray(number)) FROM numbers(100000000)"));
        Assert.Contains("ClickHouse:QueryBytes", large.Message, StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => AnswersAsync(database, orThrow: true), "it answers others");

        // Users' limits are no limits of the loader's inserts and look-ups, and of erasures.
        Assert.Equal(
            [10_000_000],
            await database.ReadAsync("SELECT length(groupArray(number)) FROM numbers(10000000)", row => Convert.ToInt32(row.GetValue(0), null), Token)
        );
        await server.ExecuteAsync("CREATE TABLE texts (text String) ENGINE = MergeTree ORDER BY ()", Token);
        using var rows = new MemoryStream();
        for (var i = 0; i < 40; i++)
        {
            // The length of a million, as the format has it.
            rows.Write([0xC0, 0x84, 0x3D]);
            rows.Write(new byte[1_000_000]);
        }

        Assert.Equal(40, await database.InsertAsync("texts", ["text"], rows, Guid.NewGuid(), Token));
    }

    // Packets to it are dropped, as by a firewall or when its machine is gone.
    [Fact]
    public async Task Query_ServerThatTakesNoConnections_IsUnavailableAndABackgroundReadFails()
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        // It accepts none, and the system holds one for it.
        server.Listen(0);
        using var held = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await held.ConnectAsync(server.LocalEndPoint!, Token);
        using var database = ClickHouseTables.New(
            $"Host=127.0.0.1;Port={((IPEndPoint)server.LocalEndPoint!).Port};Username=default;Database=default",
            new ClickHouseOptions { ConnectTimeout = TimeSpan.FromMilliseconds(50), QueryTimeout = TimeSpan.FromMinutes(1) }
        );

        await Assert.ThrowsAsync<StatisticsUnavailableException>(() => ReadOneAsync(database));
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => database.ReadAsync("SELECT 1", row => 1, Token));
        Assert.Contains("ClickHouse:ConnectTimeout", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Query_WrongStatement_IsUnavailableAndOpensNoBreaker()
    {
        var (_, database) = await tables.NewAsync();

        for (var i = 0; i < 5; i++)
        {
            var error = await Assert.ThrowsAsync<StatisticsUnavailableException>(() => QueryAsync(database, "SELECT x FROM missing"));
            Assert.Contains("UNKNOWN_TABLE", error.InnerException!.Message, StringComparison.Ordinal);
        }

        Assert.Equal([1], await ReadOneAsync(database));
    }

    [Fact]
    public async Task Query_UserWithManyQueries_LeavesTurnsToOthers()
    {
        var (_, database) = await tables.NewAsync(
            new ClickHouseOptions
            {
                MaxQueries = 2,
                QueryTimeout = TimeSpan.FromMinutes(1),
                ConnectTimeout = TimeSpan.FromSeconds(30),
            }
        );
        var end = new TaskCompletionSource();
        var begun = 0;
        var busy = Enumerable
            .Range(0, 3)
            .Select(_ =>
                database.QueryAsync(
                    Caller,
                    async query =>
                    {
                        Interlocked.Increment(ref begun);
                        await end.Task;
                        return 0;
                    },
                    Token
                )
            )
            .ToList();

        Assert.Equal([1], await database.QueryAsync(Caller + 1, query => query.ReadAsync("SELECT 1", row => Convert.ToInt32(row.GetValue(0), null)), Token));

        Assert.Equal(1, begun);
        end.SetResult();
        await Task.WhenAll(busy);
        Assert.Equal(3, begun);
    }

    [Fact]
    public async Task Query_OverTls_NeedsAnAuthorityThatSignedTheCertificate()
    {
        var (database, _) = await tables.NewAsync();
        await using var gate = new TlsGate(
            new DbConnectionStringBuilder { ConnectionString = database.ConnectionString }["Port"]
                .ToString()!
        );
        var connection = database.ConnectionString.Replace($"Port={gate.ServerPort}", $"Port={gate.Port};Protocol=https", StringComparison.Ordinal);

        using (var trusting = ClickHouseTables.New(connection, Patient(gate.AuthorityPath)))
            Assert.Equal([1], await ReadOneAsync(trusting));

        // By the system's authorities, and by a file that is not there.
        foreach (var path in new[] { null, gate.AuthorityPath + ".missing" })
        {
            using var other = ClickHouseTables.New(connection, Patient(path));
            var error = await Assert.ThrowsAsync<StatisticsUnavailableException>(() => ReadOneAsync(other));
            Assert.Contains("SSL", error.InnerException!.Message, StringComparison.Ordinal);
        }

        static ClickHouseOptions Patient(string? path) =>
            new()
            {
                CaPath = path,
                ConnectTimeout = TimeSpan.FromSeconds(30),
                QueryTimeout = TimeSpan.FromMinutes(1),
            };
    }

    [Fact]
    public async Task Query_ConnectionInAFile_UsesWhatTheFileSays()
    {
        var (server, _) = await tables.NewAsync();
        using var folder = new TestFolder();
        var path = folder.PathOf("connectionString");
        var time = new FakeTimeProvider();
        using var database = ClickHouseTables.New(
            new ConnectionOptions { ClickHousePath = path },
            new ClickHouseOptions { ConnectTimeout = TimeSpan.FromSeconds(30), QueryTimeout = TimeSpan.FromMinutes(1) },
            time
        );

        Assert.Contains("ConnectionStrings:ClickHousePath", await FailureAsync(), StringComparison.Ordinal);

        await WriteAsync("Port=nonsense");
        Assert.Contains("Port is not a number", await FailureAsync(), StringComparison.Ordinal);

        await WriteAsync(server.ConnectionString + "\n");
        Assert.Equal([1], await ReadOneAsync(database));

        // A file that cannot be used leaves the connection as it is, and so does its loss.
        await WriteAsync("Port=nonsense");
        Assert.Equal([1], await ReadOneAsync(database));
        File.Delete(path);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal([1], await ReadOneAsync(database));

        await WriteAsync(server.ConnectionString.Replace("Password=", "Password=not-", StringComparison.Ordinal));
        Assert.Contains("AUTHENTICATION_FAILED", await FailureAsync(), StringComparison.Ordinal);
        await WriteAsync(server.ConnectionString);
        Assert.Equal([1], await ReadOneAsync(database));

        async Task WriteAsync(string text)
        {
            await File.WriteAllTextAsync(path, text, Token);
            time.Advance(TimeSpan.FromSeconds(2));
        }

        async Task<string> FailureAsync() => (await Assert.ThrowsAnyAsync<StatisticsUnavailableException>(() => ReadOneAsync(database))).ToString();
    }

    private static Task<List<int>> ReadOneAsync(ClickHouseDatabase database, CancellationToken? token = null) => QueryAsync(database, "SELECT 1", token);

    private static Task<List<int>> QueryAsync(ClickHouseDatabase database, string sql, CancellationToken? token = null) =>
        database.QueryAsync(Caller, query => query.ReadAsync(sql, row => Convert.ToInt32(row.GetValue(0), null)), token ?? Token);

    // On a busy machine even this may exceed a short limit.
    private static async Task<bool> AnswersAsync(ClickHouseDatabase database, bool orThrow = false)
    {
        try
        {
            return (await ReadOneAsync(database)) is [1];
        }
        catch (Exception error) when (error is QueryLimitException || (!orThrow && error is StatisticsUnavailableException))
        {
            return false;
        }
    }
}
