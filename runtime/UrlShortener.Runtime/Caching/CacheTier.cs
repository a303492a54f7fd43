namespace UrlShortener.Runtime.Caching;

/// <summary>Where a link was found.</summary>
internal enum CacheTier : byte
{
    /// <summary>In the memory of this process.</summary>
    Memory,

    /// <summary>In the tier that processes share.</summary>
    Shared,

    /// <summary>In the store.</summary>
    Store,
}
