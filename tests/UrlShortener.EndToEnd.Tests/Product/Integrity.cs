using Microsoft.Data.Sqlite;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>SQLite's own opinion of the store's file.</summary>
internal static class Integrity
{
    /// <summary><c>ok</c>, or what is wrong.</summary>
    public static string Check(string path)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA integrity_check";
        return (string)command.ExecuteScalar()!;
    }
}
