using Npgsql;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Stores the salts. The first process that asks creates the salt of a day. In a region that takes no changes it comes from the one that does.</summary>
internal sealed class PostgresClickSalts(PostgresDatabase database, WriteAccess access) : IClickSalts
{
    private const string ReadSql = "SELECT salt FROM click_salts WHERE day = $1";

    /// <inheritdoc />
    public Task<byte[]> GetSaltAsync(DateOnly day, CancellationToken cancellationToken) =>
        access.IsReadOnly ? ReadAsync(day, cancellationToken) : MakeAsync(day, cancellationToken);

    private async Task<byte[]> ReadAsync(DateOnly day, CancellationToken cancellationToken) =>
        await database.ReadNewestAsync(
            async (connection, token) =>
            {
                await using var select = new NpgsqlCommand(ReadSql, connection) { Parameters = { new() { Value = day } } };
                return (byte[]?)await select.ExecuteScalarAsync(token);
            },
            cancellationToken
        ) ?? throw new DependencyException($"The salt of {day:O} is not here yet: the region that takes changes makes it with its first click of the day.");

    private Task<byte[]> MakeAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "salt",
            async (connection, token) =>
            {
                await using var insert = new NpgsqlCommand("INSERT INTO click_salts (day, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING", connection)
                {
                    Parameters =
                    {
                        new() { Value = day },
                        new() { Value = ClickSalt.Make() },
                    },
                };
                await insert.ExecuteNonQueryAsync(token);
                await using var select = new NpgsqlCommand(ReadSql, connection) { Parameters = { new() { Value = day } } };
                return (byte[])(await select.ExecuteScalarAsync(token))!;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task DeleteSaltsBeforeAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "salts",
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand("DELETE FROM click_salts WHERE day < $1", connection) { Parameters = { new() { Value = day } } };
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellationToken
        );
}
