using Npgsql;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Health;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Compares the migrations of the database with those of this version.</summary>
internal sealed class PostgresSchema(PostgresDatabase database) : IStoreSchema
{
    private static readonly HashSet<string> Known = [.. typeof(PostgresSchema).Assembly.GetManifestResourceNames().Where(PostgresMigrations.IsMigration)];

    /// <inheritdoc />
    // Reads from the primary: a replica may not have the last migration yet.
    public async Task<SchemaResponse> ReadAsync(CancellationToken cancellationToken)
    {
        var applied = await database.ReadPrimaryAsync(ReadAppliedAsync, cancellationToken);
        return Compare(applied, Known);
    }

    /// <summary>Compares two lists of migrations. Missing migrations are reported first, because they can be applied.</summary>
    internal static SchemaResponse Compare(IReadOnlySet<string> applied, IReadOnlySet<string> known) =>
        new(
            !applied.IsSupersetOf(known) ? SchemaState.Behind
                : applied.Count > known.Count ? SchemaState.Ahead
                : SchemaState.Current,
            applied.Count,
            known.Count
        );

    private static async Task<HashSet<string>> ReadAppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var applied = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            await using var command = new NpgsqlCommand("SELECT scriptname FROM schemaversions", connection);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                applied.Add(reader.GetString(0));
        }
        // The database is empty.
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UndefinedTable) { }

        return applied;
    }
}
