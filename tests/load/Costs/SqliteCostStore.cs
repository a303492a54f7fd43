namespace UrlShortener.Load.Costs;

/// <summary>A file. A process that stops has moved its log into it.</summary>
internal sealed class SqliteCostStore(string folder, string executable) : ICostStore
{
    private string? _apiKey;

    /// <inheritdoc />
    public string Name => "SQLite";

    /// <inheritdoc />
    public async Task<Product> StartAsync(CancellationToken cancellationToken)
    {
        var product = await Product.StartAsync(executable, [$"--Storage:DataDirectory={folder}"], _apiKey, cancellationToken);
        _apiKey = product.ApiKey;
        return product;
    }

    /// <inheritdoc />
    public CpuTimes ReadCpu(Product product) => new(product.Server.CpuTime, TimeSpan.Zero, TimeSpan.Zero);

    /// <inheritdoc />
    public Task<StoredBytes> ReadBytesAsync(CancellationToken cancellationToken) =>
        Task.FromResult(
            new StoredBytes(
                new Dictionary<string, long> { ["database file"] = new DirectoryInfo(folder).EnumerateFiles("shortener.db*").Sum(file => file.Length) },
                0
            )
        );

    /// <inheritdoc />
    public Task<EntryBytes?> ReadEntriesAsync(CancellationToken cancellationToken) => Task.FromResult<EntryBytes?>(null);

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
