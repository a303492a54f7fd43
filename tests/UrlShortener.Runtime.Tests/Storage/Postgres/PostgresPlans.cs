using Npgsql;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

/// <summary>How the server carries out a statement.</summary>
internal static class PostgresPlans
{
    /// <summary>Carries a prepared statement out and returns the lines of its plan.</summary>
    /// <param name="connection">Open.</param>
    /// <param name="before">Statements that come first.</param>
    /// <param name="sql">The statement.</param>
    /// <param name="values">Its parameters, as SQL.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<IReadOnlyList<string>> ExplainAsync(
        NpgsqlConnection connection,
        string before,
        string sql,
        string values,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(
            $"{before}; DEALLOCATE ALL; PREPARE explained AS {sql}; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE explained({values})",
            connection
        );
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var lines = new List<string>();
        do
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                if (reader.GetFieldType(0) == typeof(string))
                    lines.Add(reader.GetString(0));
            }
        } while (await reader.NextResultAsync(cancellationToken));
        return lines;
    }
}
