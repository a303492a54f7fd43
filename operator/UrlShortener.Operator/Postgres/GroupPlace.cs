using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// The place of a region's PostgreSQL among those of its group: it begins a database, or it copies and follows that of the primary region. By what the statuses
/// record, so that all regions see the same. A database that is not a copy of the primary region's is never touched. Pure.
/// </summary>
internal sealed record GroupPlace
{
    /// <summary>A region without others.</summary>
    public static readonly GroupPlace Alone = new() { IsSource = true };

    /// <summary>The region that it follows; null: none.</summary>
    public V1Alpha1ShortenerRegion? Source { get; init; }

    /// <summary>Other regions that follow this one, or will when it becomes the primary: they have the same database, or none yet.</summary>
    public IReadOnlyList<V1Alpha1ShortenerRegion> Peers { get; init; } = [];

    /// <summary>Whether the region is the primary one, so that the others follow it.</summary>
    public bool IsSource { get; init; }

    /// <summary>Whether it is not known now whom to follow: the members keep the configuration that they have.</summary>
    public bool Keeps { get; init; }

    /// <summary>Why the region does not follow the primary one, although it is a standby; null: it does, or it is the primary, or there is none to follow.</summary>
    public Obstacle? Obstacle { get; init; }

    /// <summary>Whether there are no members yet, because a database would begin that is not the group's.</summary>
    public bool Waits { get; init; }

    /// <summary>Computes the place.</summary>
    /// <param name="region">The region.</param>
    /// <param name="group">All regions of its group, this one included.</param>
    public static GroupPlace Of(V1Alpha1ShortenerRegion region, IReadOnlyList<V1Alpha1ShortenerRegion> group)
    {
        var others = group
            .Where(other =>
                other.Metadata.DeletionTimestamp is null
                && other.Metadata.Uid != region.Metadata.Uid
                && other.Spec.Postgres is not null
                && other.Spec.Region != region.Spec.Region
            )
            .GroupBy(other => other.Spec.Region, StringComparer.Ordinal)
            .Select(twins => twins.OrderBy(twin => twin.Metadata.CreationTimestamp).ThenBy(twin => twin.Metadata.Uid, StringComparer.Ordinal).First())
            .OrderBy(other => other.Spec.Region, StringComparer.Ordinal)
            .ToList();
        var peers = others.Where(other => FindObstacle(region, other) is null).ToList();
        if (region.Status?.Role is RegionRole.Primary or RegionRole.Fenced)
            return new GroupPlace { IsSource = true, Peers = peers };
        // A member that leaves the standby mode would be a second primary. Only the primary role makes it leave.
        var keeping = new GroupPlace { Keeps = DatabaseOf(region) is not null, Peers = peers };
        if (region.Status?.Topology?.PrimaryRegion is not { } primary)
            // There may be a database in a cluster that nobody has read yet.
            return DatabaseOf(region) is null && peers.Find(peer => peer.IsRemote && !IsRead(peer)) is { } unread
                    ? Wait(
                        $"Cluster {unread.Spec.ClusterName()} of region {unread.Spec.Region}, which may have the database of the group, has not been read yet."
                    )
                : DatabaseOf(region) is not null || peers.Count == 0 || FindFirst(region, peers) is not { } first ? keeping
                : first.Metadata.Uid != region.Metadata.Uid
                    ? Wait($"The group has no primary yet. The database begins in region {first.Spec.Region}, and this region copies it.")
                // First it says so in its status, and looks again. Of two regions that begin at once, at least one sees the other.
                : region.Status?.Postgres is null
                    ? new GroupPlace { Waits = true, Obstacle = new Obstacle(Reasons.StoreStarting, "The database of the group begins here.") }
                : keeping;
        if (others.FirstOrDefault(other => other.Spec.Region == primary) is not { } source)
            return keeping;
        if (FindObstacle(region, source) is { } obstacle)
            return keeping with { Obstacle = obstacle };
        return DatabaseOf(source) is not null ? new GroupPlace { Source = source, Peers = peers }
            : DatabaseOf(region) is null ? Wait($"Region {source.Spec.Region}, which is to be copied, has no database yet.")
            : keeping;
    }

    /// <summary>Public certificates of the authorities of the other regions, as PEM.</summary>
    public string PeerAuthorities => string.Concat(Peers.Select(peer => CertificateData.CertificatesIn(peer.Status?.Postgres?.Authorities)));

    /// <summary>A region that receives the changes of this one, and whose app does not have a role of the database yet; null: none.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="role">The role.</param>
    public static string? FindBehind(V1Alpha1ShortenerRegion region, ObservedPostgres observed, string role) =>
        Of(region, observed.Group)
            .Peers.FirstOrDefault(peer =>
                observed.Slots?.StateOf(peer) == StandbyState.Streaming && peer.Status?.Postgres is { StandbyLeader: not null } copy && copy.AppRole != role
            )
            ?.Spec.Region;

    /// <summary>
    /// The other clusters whose votes the members' guards read, those that run regions of the group and the witness: by what the objects ask for, whatever is known
    /// of them.
    /// </summary>
    /// <param name="region">The region.</param>
    /// <param name="group">All regions of its group, this one included.</param>
    public static IReadOnlyList<string> ClustersOf(V1Alpha1ShortenerRegion region, IEnumerable<V1Alpha1ShortenerRegion> group) =>
        [
            .. group
                .Where(other => other is { IsRemote: true, Spec.Postgres: not null } && AreTrusted(region, other))
                .Select(other => other.Spec.ClusterName())
                .Append(region.Spec.WitnessName())
                .OfType<string>()
                .Where(name => name != region.Spec.ClusterName())
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>The slot of the region in the write-ahead log of the one that it follows. Names of members cannot be the same: they have no such prefix.</summary>
    public static string SlotOf(V1Alpha1ShortenerRegion region) => $"region_{region.Spec.Region.Replace('-', '_')}";

    private static bool IsRead(V1Alpha1ShortenerRegion region) => ConditionEvents.IsTrue(region.Status?.Conditions, ConditionTypes.ClusterReachable);

    private static GroupPlace Wait(string why) => new() { Waits = true, Obstacle = new Obstacle(Reasons.AwaitsPrimaryRegion, why) };

    // The region in which the database of a new group begins: with two beginnings there would be two databases.
    private static V1Alpha1ShortenerRegion? FindFirst(V1Alpha1ShortenerRegion region, List<V1Alpha1ShortenerRegion> peers) =>
        peers
            .Append(region)
            .Where(member => !member.Spec.IsSuspended())
            .OrderByDescending(member => DatabaseOf(member) is not null)
            .ThenByDescending(HasBegun)
            .ThenByDescending(member => member.Spec.Failover.Priority)
            // Objects of one region in several clusters have other times there, and all clusters must see one order.
            .ThenBy(member => member.Spec.ClusterName() is null ? "" : member.Spec.Region, StringComparer.Ordinal)
            .ThenBy(member => member.Metadata.CreationTimestamp)
            .ThenBy(member => member.Metadata.Uid, StringComparer.Ordinal)
            .FirstOrDefault();

    private static bool HasBegun(V1Alpha1ShortenerRegion region) =>
        region.Status is { Postgres: not null } status
        && status.Conditions?.Any(condition => condition is { Type: ConditionTypes.PostgresReady, Reason: Reasons.AwaitsPrimaryRegion }) != true;

    private static Obstacle? FindObstacle(V1Alpha1ShortenerRegion region, V1Alpha1ShortenerRegion source)
    {
        var name = source.Spec.Region;
        if (PostgresNames.ScopeOf(region) == PostgresNames.ScopeOf(source))
            return new Obstacle(
                Reasons.NameTaken,
                $"ShortenerRegion {source.Metadata.NamespaceProperty}/{source.Metadata.Name} of region {name} has the same name as this one, so that their members "
                    + "have the same names too, by which PostgreSQL tells replicas apart. Create this region under another name."
            );
        if (!AreTrusted(region, source))
            return new Obstacle(
                Reasons.NotTrusted,
                $"Region {name} is in namespace {source.Metadata.NamespaceProperty}. To let them copy each other's database, add that namespace to "
                    + $"spec.postgres.trustedNamespaces of this region, and {region.Metadata.NamespaceProperty} to that of region {name}."
            );
        return DatabaseOf(region) is { } own && DatabaseOf(source) is { } other && own != other
            ? new Obstacle(
                Reasons.DifferentDatabase,
                $"The region has a database of its own ({own}), which is not a copy of that of region {name} ({other}), and follows nobody. The operator never "
                    + "deletes it. To make this region a standby, delete it with its volumes and create it again."
            )
            : null;
    }

    // Whoever may create a region in some namespace must not get a copy of the database of another one.
    private static bool AreTrusted(V1Alpha1ShortenerRegion one, V1Alpha1ShortenerRegion other) =>
        one.Metadata.NamespaceProperty == other.Metadata.NamespaceProperty || (Trusts(one, other) && Trusts(other, one));

    private static bool Trusts(V1Alpha1ShortenerRegion one, V1Alpha1ShortenerRegion other) =>
        one.Spec.Postgres!.TrustedNamespaces.Contains(other.Metadata.NamespaceProperty);

    private static string? DatabaseOf(V1Alpha1ShortenerRegion region) => region.Status?.Postgres?.SystemIdentifier;
}
