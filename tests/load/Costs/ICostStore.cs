namespace UrlShortener.Load.Costs;

/// <summary>Where an installation keeps its data.</summary>
internal interface ICostStore : IAsyncDisposable
{
    /// <summary>Its name in reports.</summary>
    string Name { get; }

    /// <summary>Starts a process on it.</summary>
    Task<Product> StartAsync(CancellationToken cancellationToken);

    /// <summary>Processor time so far.</summary>
    CpuTimes ReadCpu(Product product);

    /// <summary>Sizes of single entries; null where there are none of these.</summary>
    Task<EntryBytes?> ReadEntriesAsync(CancellationToken cancellationToken);

    /// <summary>What it keeps, while no process runs.</summary>
    Task<StoredBytes> ReadBytesAsync(CancellationToken cancellationToken);
}
