using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Regions;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Traffic;

/// <summary>
/// A region of a group, as what decides where visitors are sent. Read from the region alone, so that every region of the group sees the same. Pure.
/// </summary>
internal sealed record TrafficMember
{
    /// <summary>The region's object.</summary>
    public required V1Alpha1ShortenerRegion Region { get; init; }

    /// <summary>Its name in the group.</summary>
    public string Name => Region.Spec.Region;

    /// <summary>What it asks for.</summary>
    public TrafficSpec Spec => Region.Spec.Traffic;

    /// <summary>Its addresses, or its host name; empty: not known.</summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>Whether it has served at any time.</summary>
    public bool HasServed => Region.Status?.Traffic?.Serves is not null;

    /// <summary>Whether visitors are to be sent to it.</summary>
    public bool IsIn => Spec.Weight > 0 && !Region.Spec.Drain && Region.Status?.Traffic?.Serves == true;

    /// <summary>Whether it is drained and has visitors, which its pods can serve.</summary>
    public bool IsDraining => Spec.Weight > 0 && Region.Spec.Drain && Region.Status?.Traffic?.Serves == true && LastWeight > 0;

    /// <summary>Since when it is; null: it is not, or has not been seen to be.</summary>
    public DateTimeOffset? DrainedSince => Region.Status?.Traffic?.DrainedSince is { } since ? new DateTimeOffset(since.ToUniversalTime()) : null;

    /// <summary>Pods that served its visitors last: lost ones are counted too.</summary>
    // An autoscaler that has not looked yet asks for none.
    public int LastPods => Region.Status?.Traffic?.LastPods ?? Math.Max(Region.Status?.App?.HpaDesired ?? 0, Region.Status?.App?.Replicas ?? 0);

    /// <summary>The weight that was published last.</summary>
    public int LastWeight => Region.Status?.Traffic?.EffectiveWeight ?? 0;

    /// <summary>Whether its targets are addresses.</summary>
    public bool HasAddresses => Targets.Count > 0 && TargetText.FindAddress(Targets[0]) is not null;

    /// <summary>Whether its visitors go elsewhere, or do so since less than <see cref="Surge.Duration"/>.</summary>
    /// <param name="now">The time.</param>
    public bool Leaves(DateTimeOffset now) =>
        !IsIn
        && (
            LastWeight > 0
            || (Region.Status?.Traffic is { LastPods: not null, LastChangeTime: { } at } && now - new DateTimeOffset(at.ToUniversalTime()) < Surge.Duration)
        );

    /// <summary>Whether the two have a host name in common.</summary>
    /// <param name="other">Another region.</param>
    public bool SharesNameWith(TrafficMember other) => Spec.Hostnames.Any(other.Spec.Hostnames.Contains);

    /// <summary>
    /// The regions of a group that publish, in the order of their names. A region that is being deleted is none, nor is the younger one of two with the same
    /// name.
    /// </summary>
    /// <param name="group">All regions of the group.</param>
    public static IReadOnlyList<TrafficMember> Of(IEnumerable<V1Alpha1ShortenerRegion> group) =>
        [
            .. group
                .Where(region => region.Metadata.DeletionTimestamp is null)
                .GroupBy(region => region.Spec.Region, StringComparer.Ordinal)
                .Select(twins => twins.Aggregate((first, second) => PrimaryRole.IsOlder(first, second) ? first : second))
                .Where(region => region.Spec.Traffic.UsesDns() || region.Spec.Traffic.UsesRoute())
                .OrderBy(region => region.Spec.Region, StringComparer.Ordinal)
                .Select(region => new TrafficMember { Region = region, Targets = TargetsOf(region) }),
        ];

    /// <summary>
    /// Whether two regions share their visitors. Groups have a default name, and whoever may create a region in some namespace must not get those of another one:
    /// regions of other namespaces share them only if each names the other, as for their databases.
    /// </summary>
    public static bool AreTogether(V1Alpha1ShortenerRegion one, V1Alpha1ShortenerRegion other) =>
        one.Spec.Group == other.Spec.Group
        && (one.Metadata.NamespaceProperty == other.Metadata.NamespaceProperty || (Trusts(one, other) && Trusts(other, one)));

    private static bool Trusts(V1Alpha1ShortenerRegion one, V1Alpha1ShortenerRegion other) =>
        one.Spec.Postgres?.TrustedNamespaces.Contains(other.Metadata.NamespaceProperty) == true;

    /// <summary>The one that writes the DNS records of a group, if it is one for all: the first by name; null: none publishes by DNS.</summary>
    public static TrafficMember? WriterOf(IEnumerable<TrafficMember> members) => members.FirstOrDefault(member => member.Spec.UsesDns());

    /// <summary>Targets in their usual form, without duplicates, in order.</summary>
    public static IReadOnlyList<string> Normalize(IEnumerable<string> targets) =>
        [.. targets.Select(target => TargetText.FindAddress(target) ?? target).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    // Those of the Service are in the status: the region itself has put them there.
    private static IReadOnlyList<string> TargetsOf(V1Alpha1ShortenerRegion region) =>
        Normalize(region.Spec.Traffic.Targets ?? region.Status?.Traffic?.Targets ?? []);
}
