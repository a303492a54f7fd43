using Npgsql;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Builds commands.</summary>
internal static class PostgresCommands
{
    /// <summary>Builds a statement with positional parameters.</summary>
    public static NpgsqlBatchCommand Command(string sql, params object[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }
}
