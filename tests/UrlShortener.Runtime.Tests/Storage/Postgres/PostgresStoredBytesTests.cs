using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage.Postgres;
using UrlShortener.Runtime.Tests.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed class PostgresStoredBytesTests(PostgresStores database) : StoredBytesContract, IClassFixture<PostgresStores>
{
    [Fact]
    public async Task Sum_LinksFromBeforeTheMigration_AreCountedBesideOngoingWrites()
    {
        var user = await NewUserAsync();
        await CreateAsync(user.Id, Now, [.. Enumerable.Range(0, 20).Select(i => NewLink(target: $"https://example.com/{i}"))]);
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(Token);
        // As the migration finds them: no sum, and nothing written down.
        await ExecuteAsync(connection, "UPDATE users SET stored_bytes = NULL WHERE id = $1", user.Id);
        await ExecuteAsync(connection, "DELETE FROM user_byte_counts WHERE user_id = $1", user.Id);
        Assert.Equal(0, await ReadSumAsync(user));

        var writes = Task.WhenAll(
            Enumerable
                .Range(0, 50)
                .Select(i =>
                    Task.Run(
                        async () =>
                        {
                            await CreateOneAsync(user.Id);
                            if (i % 10 == 0)
                                await FoldAsync();
                        },
                        Token
                    )
                )
        );
        PostgresUsage.CountUncounted(connection);
        await writes;
        await FoldAsync();

        Assert.Equal(await RecountAsync(user.Id), await ReadSumAsync(user));
    }

    [Fact]
    public async Task Sum_ObjectsOfAnOlderRelease_CountAsTheyAreAnswered()
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(Token);

        foreach (var metadata in new[] { """{"b": 1, "a": [1.50, "ä"]}""", """{"n": 1e131071}""", "{}" })
        {
            await ExecuteAsync(connection, "UPDATE urls SET metadata = $2::jsonb WHERE short_code = $1", link.ShortCode, metadata);
            Assert.Equal(await RecountAsync(user.Id), await ReadSumAsync(user));
        }
    }

    private protected override ValueTask<Stores> OpenAsync() => database.OpenAsync();

    private protected override async Task FoldAsync()
    {
        using var maintenance = new PostgresMaintenance(
            await database.OpenDatabaseAsync(),
            TestRegions.NewAccess(),
            new PostgresOptions(),
            TimeProvider.System,
            NullLogger<PostgresMaintenance>.Instance
        );
        await maintenance.FoldAsync(Token);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        await command.ExecuteNonQueryAsync(Token);
    }
}
