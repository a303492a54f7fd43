using System.Security.Cryptography;
using Npgsql;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Stores the salts. The first process that asks creates the salt of a day.</summary>
internal sealed class PostgresClickSalts(PostgresDatabase database) : IClickSalts
{
    private const int SaltBytes = 32;

    /// <inheritdoc />
    public Task<byte[]> GetSaltAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "salt",
            async (connection, token) =>
            {
                await using var insert = new NpgsqlCommand("INSERT INTO click_salts (day, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING", connection)
                {
                    Parameters =
                    {
                        new() { Value = day },
                        new() { Value = RandomNumberGenerator.GetBytes(SaltBytes) },
                    },
                };
                await insert.ExecuteNonQueryAsync(token);
                await using var select = new NpgsqlCommand("SELECT salt FROM click_salts WHERE day = $1", connection)
                {
                    Parameters = { new() { Value = day } },
                };
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
