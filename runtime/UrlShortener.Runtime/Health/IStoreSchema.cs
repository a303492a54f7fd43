using UrlShortener.Contracts;

namespace UrlShortener.Runtime.Health;

/// <summary>Tells which tables a store has.</summary>
internal interface IStoreSchema
{
    /// <summary>The tables, compared with those that this version knows.</summary>
    Task<SchemaResponse> ReadAsync(CancellationToken cancellationToken);
}
