using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Postgres;

/// <summary>The observed state of a region's PostgreSQL, read once per reconcile. The objects belong to the caches: do not change them.</summary>
internal sealed record ObservedPostgres
{
    /// <summary>The service account of the members.</summary>
    public V1ServiceAccount? ServiceAccount { get; init; }

    /// <summary>Their rights.</summary>
    public V1RoleBinding? RoleBinding { get; init; }

    /// <summary>Their local configuration.</summary>
    public V1ConfigMap? Settings { get; init; }

    /// <summary>The Service that names them.</summary>
    public V1Service? HeadlessService { get; init; }

    /// <summary>The Service of the primary.</summary>
    public V1Service? PrimaryService { get; init; }

    /// <summary>The Service of the replicas.</summary>
    public V1Service? ReplicaService { get; init; }

    /// <summary>Their disruption budget.</summary>
    public V1PodDisruptionBudget? DisruptionBudget { get; init; }

    /// <summary>Their network policy.</summary>
    public V1NetworkPolicy? NetworkPolicy { get; init; }

    /// <summary>The members.</summary>
    public V1StatefulSet? StatefulSet { get; init; }

    /// <summary>The Secret with the certificates, with digests instead of values.</summary>
    public V1Secret? Certificates { get; init; }

    /// <summary>The Secret with the password of the app's role, with digests instead of values.</summary>
    public V1Secret? Password { get; init; }

    /// <summary>The Secret with the connection string of the app, with digests instead of values.</summary>
    public V1Secret? Connection { get; init; }

    /// <summary>Patroni's lock.</summary>
    public PatroniLock? Lock { get; init; }

    /// <summary>Patroni's dynamic configuration, and what belongs to it; those that exist.</summary>
    public IReadOnlyList<V1ConfigMap> PatroniMaps { get; init; } = [];

    /// <summary>The ConfigMap with the dynamic configuration.</summary>
    public V1ConfigMap? Configuration { get; init; }

    /// <summary>The dynamic configuration; null: there is none, or it is unreadable.</summary>
    public JsonObject? DynamicConfiguration
    {
        get
        {
            try
            {
                return Labels.AnnotationOf(Configuration?.Metadata, "config") is { } text ? StrictJson.Parse(text) as JsonObject : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }

    /// <summary>The ConfigMap with the synchronous replicas.</summary>
    public V1ConfigMap? Synchrony { get; init; }

    /// <summary>The members' pods.</summary>
    public IReadOnlyList<V1Pod> Pods { get; init; } = [];

    /// <summary>Names of the region's pods by address.</summary>
    public IReadOnlyDictionary<string, string> AppPods { get; init; } = new Dictionary<string, string>();

    /// <summary>What members answer, by name; those that answer.</summary>
    public IReadOnlyDictionary<string, PatroniMember> Members { get; init; } = new Dictionary<string, PatroniMember>();

    /// <summary>The member that holds the lock and accepts writes; null: none.</summary>
    public (string Name, PatroniMember Member)? Primary =>
        Lock?.Leader is { } leader && Members.TryGetValue(leader, out var member) && member.IsPrimary ? (leader, member) : null;

    /// <summary>The member that holds the lock, and accepts writes or follows the primary region; null: none.</summary>
    public (string Name, PatroniMember Member)? Leader =>
        Lock?.Leader is { } leader && Members.TryGetValue(leader, out var member) && (member.IsPrimary || member.IsStandbyLeader) ? (leader, member) : null;

    /// <summary>Whether the members follow another region, so that nobody accepts writes.</summary>
    public bool IsStandby => Leader is { Member.IsStandbyLeader: true };

    /// <summary>All regions of the group, this one included.</summary>
    public IReadOnlyList<V1Alpha1ShortenerRegion> Group { get; init; } = [];

    /// <summary>The Secret with the password of the app's role in the region that this one follows, with digests instead of values; null: none.</summary>
    public V1Secret? SourcePassword { get; init; }

    /// <summary>The Secret by which the write guards read votes in other clusters; null: there is none.</summary>
    public V1Secret? ClusterAccess { get; init; }

    /// <summary>What the primary keeps for other regions; null: not asked for, or it does not answer.</summary>
    public RegionSlots? Slots { get; init; }

    /// <summary>The pod of a member; null: none.</summary>
    public V1Pod? PodOf(string name) => Pods.FirstOrDefault(pod => pod.Metadata.Name == name);

    /// <summary>Replicas that receive changes and for which PostgreSQL waits, or may wait, before it acknowledges a write.</summary>
    public IReadOnlySet<string> WaitedFor =>
        (Primary?.Member.Replication ?? [])
            .Where(replica => replica is { State: "streaming", SyncState: "sync" or "quorum" })
            .Select(replica => replica.Name ?? "")
            .ToHashSet(StringComparer.Ordinal);

    /// <summary>Whether a member leads, or is a replica that receives its changes and has caught up.</summary>
    public bool Serves(string name) =>
        Members.TryGetValue(name, out var member)
        && Leader is { } leader
        && (
            name == leader.Name
            || (
                member.IsStreaming
                && (member.Timeline is null || member.Timeline == leader.Member.Timeline)
                && member.Position?.Received is { } received
                && (leader.Member.End ?? 0) - received <= PostgresRollout.MaxLag
            )
        );

    /// <summary>Whether a member serves and goes on to: a pod that is being deleted answers until its process ends.</summary>
    public bool Stays(string name) => Serves(name) && PodOf(name)?.Metadata.DeletionTimestamp is null;

    /// <summary>Whether a replica has every acknowledged write by what PostgreSQL says, and Patroni may promote it.</summary>
    public bool IsSynchronous(string name) => SyncStandbys.Contains(name) && WaitedFor.Contains(name);

    /// <summary>Whether writes wait for replicas. Nobody writes in a standby region.</summary>
    public bool HasSynchrony(PostgresSpec spec) => spec.Durability != Durability.Async && !IsStandby;

    /// <summary>Why the synchronous replicas are not as specified; null: they are.</summary>
    public string? FindSynchronyProblem(PostgresSpec spec)
    {
        if (!HasSynchrony(spec))
            return null;
        var waitedFor = WaitedFor;
        return waitedFor.Count < spec.SyncNodeCount ? $"{waitedFor.Count} replicas are synchronous, and {spec.SyncNodeCount} must be"
            : PatroniSynchrony.Of(Synchrony)?.Leader != Primary?.Name || SyncStandbys.Count == 0 || !SyncStandbys.All(waitedFor.Contains)
                ? "Patroni and PostgreSQL do not agree on the synchronous replicas yet"
            : null;
    }

    /// <summary>Members that Patroni may promote, because they have all acknowledged writes.</summary>
    public IReadOnlyList<string> SyncStandbys => PatroniSynchrony.Of(Synchrony)?.Standbys ?? [];
}
