using System.Collections.Concurrent;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Clusters;

/// <summary>What was last read of regions that other clusters run, so that nobody else waits for a request to another cluster.</summary>
internal sealed class RemoteRegions
{
    // By UID of the object in this cluster.
    private readonly ConcurrentDictionary<string, RemoteRegion> _regions = new();

    /// <summary>What was last read; null: nothing since this process began.</summary>
    /// <param name="region">The object in this cluster.</param>
    public RemoteRegion? Find(V1Alpha1ShortenerRegion region) => _regions.GetValueOrDefault(region.Metadata.Uid);

    /// <summary>Remembers what was read.</summary>
    public void Set(V1Alpha1ShortenerRegion region, RemoteRegion remote) => _regions[region.Metadata.Uid] = remote;

    /// <summary>Forgets a region.</summary>
    public void Forget(V1Alpha1ShortenerRegion region) => _regions.TryRemove(region.Metadata.Uid, out _);
}
