using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Regions;

namespace UrlShortener.Operator.Traffic;

/// <summary>Which of several groups publishes a host name. Pure.</summary>
internal static class HostnameClaims
{
    /// <summary>
    /// A region of the other group that publishes a host name; null: the group itself may. The group that publishes it keeps it, otherwise that of the oldest
    /// region gets it: a younger group must not take the visitors of an older one.
    /// </summary>
    /// <param name="hostname">The host name.</param>
    /// <param name="own">A region of the group.</param>
    /// <param name="claimants">All regions, of any group, that ask for the name.</param>
    public static V1Alpha1ShortenerRegion? FindOther(string hostname, V1Alpha1ShortenerRegion own, IReadOnlyList<V1Alpha1ShortenerRegion> claimants)
    {
        var claims = claimants.Where(region => region.Metadata.DeletionTimestamp is null).ToList();
        var holders = claims.Where(region => region.Status?.Traffic?.Hostnames?.Contains(hostname) == true).ToList();
        var chosen = (holders.Count > 0 ? holders : claims).Aggregate(
            (V1Alpha1ShortenerRegion?)null,
            (oldest, region) => oldest is null || PrimaryRole.IsOlder(region, oldest) ? region : oldest
        );
        return chosen is null || TrafficMember.AreTogether(chosen, own) ? null : chosen;
    }
}
