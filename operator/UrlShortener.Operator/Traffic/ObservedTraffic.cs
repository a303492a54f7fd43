using k8s.Models;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Traffic;

/// <summary>What decides about the traffic of a region, read once per reconcile. The objects belong to the caches: do not change them.</summary>
internal sealed record ObservedTraffic
{
    /// <summary>All regions of the group, this one included.</summary>
    public required IReadOnlyList<V1Alpha1ShortenerRegion> Group { get; init; }

    /// <summary>Regions of other groups that ask for a host name of this one.</summary>
    public IReadOnlyList<V1Alpha1ShortenerRegion> Others { get; init; } = [];

    /// <summary>The Service in front of the app's pods; null: there is none.</summary>
    public V1Service? Service { get; init; }

    /// <summary>The DNS records that the region writes; null: none.</summary>
    public V1Alpha1DnsEndpoint? Dns { get; init; }

    /// <summary>Those that the region which writes for the group has; null: none.</summary>
    public V1Alpha1DnsEndpoint? GroupDns { get; init; }

    /// <summary>The route that the region writes; null: none.</summary>
    public V1HttpRoute? Route { get; init; }

    /// <summary>Whether the cluster serves DNSEndpoints.</summary>
    public bool ServesDns { get; init; }

    /// <summary>Whether the cluster serves HTTPRoutes.</summary>
    public bool ServesRoutes { get; init; }

    /// <summary>Whether another look saw the same: the same instances of objects, which the caches replace with each change.</summary>
    /// <param name="other">What the other look saw.</param>
    public bool IsSame(ObservedTraffic other) =>
        AreSame(Group, other.Group) && AreSame(Others, other.Others) && this with { Group = other.Group, Others = other.Others } == other;

    private static bool AreSame<T>(IReadOnlyList<T> some, IReadOnlyList<T> others)
        where T : class
    {
        if (some.Count != others.Count)
            return false;
        for (var index = 0; index < some.Count; index++)
        {
            if (!ReferenceEquals(some[index], others[index]))
                return false;
        }

        return true;
    }
}
