using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// A new region over the volumes of a former one with the same name. Patroni's ConfigMaps stay with the volumes: they name the database, so that no member with an
/// empty volume begins another one, and the members that have every acknowledged write, so that no other becomes the primary. Pure.
/// </summary>
internal static class KeptVolumes
{
    // The limit of the specification.
    private const int MaxInstances = 7;

    /// <summary>Number of members that the region begins with, so that all are among them that may have every acknowledged write; 0: it does not matter.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    public static int CountOf(V1Alpha1ShortenerRegion region, ObservedPostgres observed)
    {
        var annotations = observed.Synchrony?.Metadata;
        List<string> names = [.. observed.SyncStandbys];
        if (Labels.AnnotationOf(annotations, PatroniLock.LeaderAnnotation) is { Length: > 0 } leader)
            names.Add(leader);
        return Enumerable.Range(0, MaxInstances).LastOrDefault(ordinal => names.Contains(PostgresNames.MemberOf(region, ordinal)), -1) + 1;
    }

    /// <summary>Whether Patroni's ConfigMaps may be those of a database whose volumes are gone: the region is new, and has no members yet.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    public static bool MayBeGone(V1Alpha1ShortenerRegion region, ObservedPostgres observed) =>
        observed is { StatefulSet: null, Pods.Count: 0, PatroniMaps.Count: > 0 } && region.Status?.Postgres?.SystemIdentifier is null;

    /// <summary>Whether Patroni's ConfigMaps are those of a database that is not the restored one: a restore fills empty volumes only.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    public static bool AreOfAnother(V1Alpha1ShortenerRegion region, ObservedPostgres observed) =>
        observed is { StatefulSet.Spec.Replicas: 0, Pods.Count: 0, PatroniMaps.Count: > 0 }
        && region.Status is { Postgres.SystemIdentifier: null, Backup.Restore.Succeeded: true };

    /// <summary>
    /// Claims of all members but the first one. In a region that is to be restored they are those of a former one, and its members would be rebuilt over them.
    /// </summary>
    /// <param name="region">The region.</param>
    /// <param name="claims">The claims with the labels of the members.</param>
    public static IReadOnlyList<string> FindOthers(V1Alpha1ShortenerRegion region, IEnumerable<V1PersistentVolumeClaim> claims)
    {
        var names = Enumerable.Range(1, MaxInstances - 1).Select(ordinal => PostgresNames.ClaimOf(region, ordinal)).ToHashSet(StringComparer.Ordinal);
        return [.. claims.Select(claim => claim.Metadata.Name).Where(names.Contains).Order(StringComparer.Ordinal)];
    }

    /// <summary>Whether any claim of a member exists, whichever number of members the region has.</summary>
    /// <param name="region">The region.</param>
    /// <param name="claims">The claims with the labels of the members.</param>
    public static bool Exist(V1Alpha1ShortenerRegion region, IEnumerable<V1PersistentVolumeClaim> claims) =>
        claims.Any(claim =>
            claim.Metadata.DeletionTimestamp is null
            && Enumerable.Range(0, MaxInstances).Any(ordinal => claim.Metadata.Name == PostgresNames.ClaimOf(region, ordinal))
        );
}
