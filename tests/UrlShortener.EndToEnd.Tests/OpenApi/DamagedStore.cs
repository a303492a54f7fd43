using Microsoft.Data.Sqlite;
using UrlShortener.EndToEnd.Tests.Product;

namespace UrlShortener.EndToEnd.Tests.OpenApi;

/// <summary>What can happen to the store's file while the product serves.</summary>
internal static class DamagedStore
{
    /// <summary>Holds the write lock, as a backup tool or a command that hangs would, until the connection is closed.</summary>
    public static SqliteConnection LockWrites(ProductProcess product)
    {
        var connection = Open(product);
        Execute(connection, "BEGIN EXCLUSIVE");
        return connection;
    }

    /// <summary>Overwrites the whole file, as a failing disk would. Nothing can be read or written from then on.</summary>
    public static void Overwrite(ProductProcess product)
    {
        using (var connection = Open(product))
        {
            // A change by somebody else makes the product's connections forget what they hold in memory.
            Execute(connection, "UPDATE users SET email = email");
            Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        }

        using var file = new FileStream(product.DatabasePath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        var garbage = new byte[file.Length];
        Array.Fill(garbage, byte.MaxValue);
        file.Write(garbage);
    }

    /// <summary>Changes a link behind the product's back: what the API refuses, or takes its time with.</summary>
    public static void ChangeLink(ProductProcess product, string code, string assignment)
    {
        using var connection = Open(product);
        Execute(connection, $"UPDATE urls SET {assignment} WHERE short_code = '{code}'");
    }

    private static SqliteConnection Open(ProductProcess product)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = product.DatabasePath, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Written by tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
