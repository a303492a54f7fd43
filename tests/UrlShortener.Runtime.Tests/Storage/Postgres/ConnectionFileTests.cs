using Npgsql;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

/// <summary>A process whose connection string is in a file that changes while it runs.</summary>
public sealed class ConnectionFileTests(Servers servers) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("connection").FullName;
    private readonly string _former = $"former_{Guid.NewGuid():N}";
    private readonly string _next = $"next_{Guid.NewGuid():N}";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string File => Path.Combine(_folder, "connectionString");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task File_NamesAnotherRole_IsUsedOnceItWorksAndFormerConnectionsEnd()
    {
        var cluster = await servers.GetPostgresAsync();
        await using var admin = NpgsqlDataSource.Create(cluster.ConnectionString("postgres"));
        await RunAsync(admin, $"CREATE ROLE {_former} LOGIN PASSWORD 'one'; CREATE ROLE {_next} NOLOGIN PASSWORD 'two'");
        try
        {
            var given = Of(cluster.ConnectionString("postgres"), _former, "one");
            await WriteAsync(given);
            await using var process = new PostgresProcess(
                new ConnectionOptions { Postgres = given, PostgresPath = File },
                new PostgresOptions(),
                new RememberedNames(TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<RememberedNames>.Instance)
            );
            Assert.Equal(_former, await WhoAsync(process));

            // Neither is of use: the process keeps what works.
            await WriteAsync("not a connection string");
            await Task.Delay(TimeSpan.FromSeconds(3), Token);
            await WriteAsync(Of(cluster.ConnectionString("postgres"), _next, "two"));
            await Task.Delay(TimeSpan.FromSeconds(3), Token);
            Assert.Equal(_former, await WhoAsync(process));

            await RunAsync(admin, $"ALTER ROLE {_next} LOGIN");
            await Eventually.HoldsAsync(async () => await WhoAsync(process) == _next);
            await Eventually.HoldsAsync(async () => await CountAsync(admin, _former) == 0);
            Assert.Equal(_next, await WhoAsync(process));
        }
        finally
        {
            await RunAsync(admin, $"DROP ROLE {_former}, {_next}");
        }
    }

    private static string Of(string text, string role, string password) =>
        new NpgsqlConnectionStringBuilder(text) { Username = role, Password = password }.ConnectionString;

    // As a kubelet does: the file is another one at once, never half of it.
    private async Task WriteAsync(string text)
    {
        await System.IO.File.WriteAllTextAsync($"{File}.new", text, Token);
        System.IO.File.Move($"{File}.new", File, overwrite: true);
    }

    private static Task<string> WhoAsync(PostgresProcess process) =>
        process.Database.WriteAsync(
            "who",
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand("SELECT session_user::text", connection);
                return (string)(await command.ExecuteScalarAsync(token))!;
            },
            Token
        );

    private static async Task<long> CountAsync(NpgsqlDataSource admin, string role)
    {
        await using var command = admin.CreateCommand($"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'");
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }

    private static async Task RunAsync(NpgsqlDataSource admin, string statements)
    {
        await using var command = admin.CreateCommand(statements);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
