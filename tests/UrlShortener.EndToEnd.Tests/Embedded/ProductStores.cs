using Microsoft.Data.Sqlite;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>Where a product keeps its data, for as long as a test: here a folder with a SQLite file. Products that are started one after another, or side by
/// side, may share it.</summary>
internal sealed class ProductStores : IAsyncDisposable
{
    private readonly TestFolder _folder = new();

    private ProductStores() { }

    /// <summary>Whether the data is on servers, which may be slow or away.</summary>
    public static bool AreServers => false;

    /// <summary>The working directory of the product; empty at first.</summary>
    public string Folder => _folder.FullName;

    /// <summary>What tells a product to keep its data here.</summary>
    public IReadOnlyList<string> Settings => [$"--Storage:DataDirectory={DataDirectory}"];

    /// <summary>Of a process that serves: fewer codes than out of the box, whose making is a fifth of the cost of a start.</summary>
    public static IReadOnlyList<string> PoolSettings { get; } = ["--Keys:PoolSize=1000", "--Keys:LowWatermark=500"];

    /// <summary>The data folder.</summary>
    public string DataDirectory => _folder.PathOf("data");

    /// <summary>The store's file.</summary>
    public string DatabasePath => Path.Combine(DataDirectory, "shortener.db");

    /// <summary>Makes a place for data, with nothing in it.</summary>
    public static Task<ProductStores> CreateAsync() => Task.FromResult(new ProductStores());

    /// <summary>After all products have stopped: <c>ok</c>, or what is wrong with the data.</summary>
    public Task<string> CheckAsync()
    {
        if (File.Exists(DatabasePath + "-wal"))
            return Task.FromResult("The write-ahead log was not folded into the file.");
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA integrity_check";
        return Task.FromResult((string)command.ExecuteScalar()!);
    }

    /// <summary>Whether bytes occur anywhere in the data. While a product runs the write-ahead log is part of it.</summary>
    public Task<bool> HoldAsync(byte[] bytes) =>
        Task.FromResult(
            Directory
                .EnumerateFiles(DataDirectory, "*", SearchOption.AllDirectories)
                // It is empty, and .NET opens no file that another process has locked.
                .Where(path => Path.GetFileName(path) != "serve.lock")
                .Any(path => ReadAll(path).AsSpan().IndexOf(bytes) >= 0)
        );

    /// <summary>Adds a user of the tier free, as the product does.</summary>
    public async Task AddUserAsync(string email, string keyHash, int rateLimit, long? quota)
    {
        await using var connection = Open();
        await using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO users (email, api_key, tier, rate_limit, created_at, quota_bytes) VALUES ($1, $2, 'free', $3, $4, $5)";
        command.Parameters.AddWithValue("$1", email);
        command.Parameters.AddWithValue("$2", keyHash);
        command.Parameters.AddWithValue("$3", rateLimit);
        command.Parameters.AddWithValue("$4", TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        command.Parameters.AddWithValue("$5", (object?)quota ?? DBNull.Value);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Ends a link behind the product's back, in the past, which the API refuses.</summary>
    public Task ExpireLinkAsync(string code) => ChangeLinkAsync(code, "expires_at = 1");

    /// <summary>Changes the target of a link behind the product's back, whatever the API says of it.</summary>
    public Task RetargetLinkAsync(string code, string target) => ChangeLinkAsync(code, $"original_url = '{target}'");

    /// <summary>What is stored of the clicks of a link: records of single ones, and sums.</summary>
    public Task<long> CountClickRecordsAsync(string code)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT (SELECT count(*) FROM click_batches WHERE short_code = $1) + (SELECT count(*) FROM click_days WHERE short_code = $1)";
        command.Parameters.AddWithValue("$1", code);
        return Task.FromResult((long)command.ExecuteScalar()!);
    }

    /// <summary>Overwrites the whole file, as a failing disk would. Nothing can be read or written from then on.</summary>
    public Task LoseAsync()
    {
        using (var connection = Open())
        {
            // A change by somebody else makes the product's connections forget what they hold in memory.
            Execute(connection, "UPDATE users SET email = email");
            Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        }

        using var file = new FileStream(DatabasePath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        var garbage = new byte[file.Length];
        Array.Fill(garbage, byte.MaxValue);
        file.Write(garbage);
        return Task.CompletedTask;
    }

    /// <summary>Holds the write lock, as a backup tool or a command that hangs would, until it is disposed.</summary>
    public IAsyncDisposable LockWrites()
    {
        var connection = Open();
        Execute(connection, "BEGIN EXCLUSIVE");
        return connection;
    }

    /// <summary>Codes in the registry; 0 before there is one.</summary>
    public async Task<long> CountKeysAsync()
    {
        if (!File.Exists(DatabasePath))
            return 0;
        await using var connection = Open();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM sqlite_master WHERE name = 'kgs_keys'";
        if (await command.ExecuteScalarAsync() is 0L)
            return 0;
        command.CommandText = "SELECT count(*) FROM kgs_keys";
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private static byte[] ReadAll(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var memory = new MemoryStream();
        file.CopyTo(memory);
        return memory.ToArray();
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        // Statements are those of this class and of tests, with codes and tables that these chose, on a database of their own: nothing comes from outside.
#pragma warning disable CA2100
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private Task ChangeLinkAsync(string code, string assignment)
    {
        using var connection = Open();
        Execute(connection, $"UPDATE urls SET {assignment} WHERE short_code = '{code}'");
        return Task.CompletedTask;
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = DatabasePath,
                Mode = SqliteOpenMode.ReadWrite,
                Pooling = false,
            }.ToString()
        );
        connection.Open();
        return connection;
    }
}
