using System.Collections.Concurrent;
using System.Globalization;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Apply;

/// <summary>
/// Writes the part of regions' statuses that belongs to one controller, and reads its own writes: the cache may show a region as it was before the last one, and
/// a status that is computed from that would take back what was told.
/// </summary>
/// <param name="part">The part.</param>
/// <param name="client">The client.</param>
internal sealed class StatusWriter(StatusPart part, ResourceClient client)
{
    // By UID of the region, until the cache is as new.
    private readonly ConcurrentDictionary<string, V1Alpha1ShortenerRegion> _written = new();

    /// <summary>The newer one of the cached region and the one that was last written.</summary>
    /// <param name="cached">The region as the cache has it.</param>
    public V1Alpha1ShortenerRegion LatestOf(V1Alpha1ShortenerRegion cached)
    {
        if (!_written.TryGetValue(cached.Metadata.Uid, out var written))
            return cached;
        if (IsOlder(cached, written))
            return written;
        _written.TryRemove(cached.Metadata.Uid, out _);
        return cached;
    }

    /// <summary>Writes the part if it differs from the one that was read.</summary>
    /// <param name="region">The region that was read.</param>
    /// <param name="value">Value of the field; null: none.</param>
    /// <param name="conditions">The conditions; those of the part's other types are removed.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task WriteAsync(V1Alpha1ShortenerRegion region, object? value, IReadOnlyList<V1Condition> conditions, CancellationToken cancellationToken)
    {
        if (part.FindChange(region, value, conditions) is { } wanted)
            _written[region.Metadata.Uid] = await client.ApplyStatusAsync(region, wanted, part.Manager, cancellationToken);
    }

    /// <summary>Forgets a region that is gone.</summary>
    public void Forget(V1Alpha1ShortenerRegion region) => _written.TryRemove(region.Metadata.Uid, out _);

    // Versions of one object are integers that grow (Kubernetes' API concepts, "Resource versions"). Anything else is not compared: then the cache counts.
    private static bool IsOlder(V1Alpha1ShortenerRegion one, V1Alpha1ShortenerRegion other) =>
        ulong.TryParse(one.Metadata.ResourceVersion, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
        && ulong.TryParse(other.Metadata.ResourceVersion, NumberStyles.None, CultureInfo.InvariantCulture, out var otherVersion)
        && version < otherVersion;
}
