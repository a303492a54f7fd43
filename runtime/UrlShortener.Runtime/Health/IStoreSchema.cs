using UrlShortener.Contracts;

namespace UrlShortener.Runtime.Health;

/// <summary>Reads which migrations a store has.</summary>
internal interface IStoreSchema
{
    /// <summary>Compares the migrations of the store with those that this version knows.</summary>
    Task<SchemaResponse> ReadAsync(CancellationToken cancellationToken);
}
