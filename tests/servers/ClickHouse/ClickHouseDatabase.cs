namespace UrlShortener.TestServers.ClickHouse;

/// <summary>A database of a <see cref="ClickHouseServer"/>, for the tests of one class.</summary>
public sealed class ClickHouseDatabase : IAsyncDisposable
{
    private readonly ClickHouseServer _server;

    internal ClickHouseDatabase(ClickHouseServer server, string name)
    {
        _server = server;
        Name = name;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>What the driver takes to connect to it.</summary>
    public string ConnectionString => _server.ConnectionStringOf(Name);

    /// <inheritdoc cref="ClickHouseServer.ExecuteAsync" />
    public Task ExecuteAsync(string statements, CancellationToken cancellationToken) => _server.ExecuteAsync(statements, cancellationToken, Name);

    /// <inheritdoc cref="ClickHouseServer.ReadAsync" />
    public Task<IReadOnlyList<string[]>> ReadAsync(string query, CancellationToken cancellationToken) => _server.ReadAsync(query, cancellationToken, Name);

    /// <summary>Removes it, if the server runs.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_server.ProcessId is not null)
            await _server.ExecuteAsync($"DROP DATABASE IF EXISTS {Name} SYNC", CancellationToken.None);
    }
}
