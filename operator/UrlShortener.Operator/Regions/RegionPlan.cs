using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Regions.Validation;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions;

/// <summary>What a region is to be, worked out from its specification and what was observed. Pure.</summary>
internal sealed record RegionPlan
{
    /// <summary>How long after it failed a migration is tried again.</summary>
    public static readonly TimeSpan MigrationRetryDelay = TimeSpan.FromMinutes(1);

    /// <summary>Why nothing is done; null: all that follows is.</summary>
    public Obstacle? Obstacle { get; init; }

    /// <summary>Part of the region in its group; one of <see cref="RegionRole"/>.</summary>
    public required string Role { get; init; }

    /// <summary>The region that takes the writes of the group; null: there is one region.</summary>
    public string? PrimaryRegion { get; init; }

    /// <summary>Fewest pods of the app.</summary>
    public required int Floor { get; init; }

    /// <summary>Name and content of the migration that the app relies on.</summary>
    public required string MigrationDigest { get; init; }

    /// <summary>What runs in the pods of the app.</summary>
    public required RuntimeProcess Process { get; init; }

    /// <summary>How far the migration is.</summary>
    public required MigrationState Migration { get; init; }

    /// <summary>Works it out.</summary>
    public static RegionPlan Of(V1Alpha1ShortenerRegion region, ObservedRegion observed)
    {
        var spec = region.Spec;
        var role = RoleOf(region, observed.Group);
        var postgres = new[] { spec.Connections.PostgresSecretRef }.OfType<SecretKeyRef>();
        var migration = Digest.Of(spec.App.Image, SecretDigests.Of(postgres, observed.Secrets));
        var own = KeyPoolPlan.HolderOf(observed.KeyPools) is { } pool
            ? new Dictionary<string, string> { ["Role"] = "app", ["Keys:BatchSize"] = pool.Spec.LeaseBlockSize.ToString(CultureInfo.InvariantCulture) }
            : new Dictionary<string, string> { ["Role"] = "app" };
        var settings = SecretDigests.OfSettings(spec, RuntimeEnvironment.SecretsOf(spec), observed.Secrets);
        return new RegionPlan
        {
            Obstacle = FindObstacle(region, observed),
            Role = role,
            PrimaryRegion = PrimaryRegionOf(observed.Group),
            Floor = role == RegionRole.Primary ? spec.App.MinReplicas : spec.App.StandbyMinReplicas,
            MigrationDigest = migration,
            Process = new RuntimeProcess(region.Metadata.Name, Names.App, spec.App.Image, [], spec.App.Resources, settings) { Settings = own },
            Migration = MigrationOf(region, observed, migration),
        };
    }

    /// <summary>The region of a group that takes writes: the one with the highest priority, of equal ones the oldest. Null: there is none.</summary>
    public static V1Alpha1ShortenerRegion? PrimaryOf(IReadOnlyList<V1Alpha1ShortenerRegion> group) =>
        MembersOf(group).OrderByDescending(region => region.Spec.Failover.Priority)
            .ThenBy(region => region.Metadata.CreationTimestamp)
            .ThenBy(region => region.Metadata.Uid, StringComparer.Ordinal)
            .FirstOrDefault();

    /// <summary>Name of the region that takes the writes of a group of several; null: the group has no other region that could.</summary>
    public static string? PrimaryRegionOf(IReadOnlyList<V1Alpha1ShortenerRegion> group) =>
        MembersOf(group).Skip(1).Any() ? PrimaryOf(group)!.Spec.Region : null;

    // One of each region: of twins the older, whatever the priority of the other. Those that are being deleted count no more.
    private static IEnumerable<V1Alpha1ShortenerRegion> MembersOf(IReadOnlyList<V1Alpha1ShortenerRegion> group) =>
        group.Where(region => region.Metadata.DeletionTimestamp is null)
            .GroupBy(region => region.Spec.Region, StringComparer.Ordinal)
            .Select(twins => twins.Aggregate((first, second) => IsOlder(first, second) ? first : second));

    private static string RoleOf(V1Alpha1ShortenerRegion region, IReadOnlyList<V1Alpha1ShortenerRegion> group) =>
        PrimaryOf(group) is { } primary && primary.Metadata.Uid != region.Metadata.Uid ? RegionRole.Standby : RegionRole.Primary;

    private static MigrationState MigrationOf(V1Alpha1ShortenerRegion region, ObservedRegion observed, string digest)
    {
        if (observed.Deployment is { } deployment && Labels.AnnotationOf(deployment.Metadata, Labels.MigrationDigest) == digest)
            return MigrationState.Done;
        var name = MigrationJob.NameOf(region, digest);
        var job = observed.Jobs.FirstOrDefault(job => job.Metadata.Name == name && job.Metadata.DeletionTimestamp is null);
        return job switch
        {
            null => MigrationState.Missing,
            _ when HasCondition(job, "Complete") => MigrationState.Done,
            _ when HasCondition(job, "Failed") => MigrationState.Failed,
            _ => MigrationState.Running,
        };
    }

    /// <summary>Whether a Job has ended in some way.</summary>
    public static bool HasCondition(V1Job job, string type) => job.Status?.Conditions?.Any(condition => condition.Type == type && condition.Status == "True") == true;

    private static Obstacle? FindObstacle(V1Alpha1ShortenerRegion region, ObservedRegion observed) =>
        Of(Reasons.InvalidSpec, RegionRules.Check(region.Spec))
        ?? Of(Reasons.NotSupported, UnsupportedFields.Find(region.Spec))
        ?? FindTwin(region, observed.Group)
        ?? RuntimeEnvironment.SecretsOf(region.Spec).Select(reference => SecretDigests.FindMissing(reference, observed.Secrets)).FirstOrDefault(missing => missing is not null)
        ?? FindMissingConfigMap(region.Spec, observed);

    private static Obstacle? Of(string reason, IReadOnlyList<SpecProblem> problems) =>
        problems.Count == 0 ? null : new Obstacle(reason, string.Join(' ', problems.Select(problem => problem.ToString())));

    private static Obstacle? FindTwin(V1Alpha1ShortenerRegion region, IReadOnlyList<V1Alpha1ShortenerRegion> group)
    {
        var twin = group.Where(one => one.Spec.Region == region.Spec.Region && one.Metadata.Uid != region.Metadata.Uid && one.Metadata.DeletionTimestamp is null)
            .OrderBy(one => one.Metadata.CreationTimestamp).ThenBy(one => one.Metadata.Uid, StringComparer.Ordinal).FirstOrDefault();
        return twin is null || IsOlder(region, twin)
            ? null
            : new Obstacle(Reasons.RegionConflict, $"ShortenerRegion {twin.Metadata.NamespaceProperty}/{twin.Metadata.Name} is {region.Spec.Region} of the group {region.Spec.Group} already. Delete one of the two.");
    }

    private static bool IsOlder(V1Alpha1ShortenerRegion one, V1Alpha1ShortenerRegion other) =>
        (one.Metadata.CreationTimestamp, other.Metadata.CreationTimestamp) is var (first, second) && first != second
            ? first < second
            : string.CompareOrdinal(one.Metadata.Uid, other.Metadata.Uid) < 0;

    private static Obstacle? FindMissingConfigMap(RegionSpec spec, ObservedRegion observed) => spec.App.BlocklistConfigMapRef switch
    {
        null => null,
        { } reference when observed.Blocklist is null => new Obstacle(Reasons.ConfigMapNotFound, $"There is no ConfigMap {reference.Name} in this namespace. Create it with the key {reference.Key}."),
        { } reference when observed.Blocklist.Data?.ContainsKey(reference.Key) != true => new Obstacle(Reasons.ConfigMapNotFound, $"The ConfigMap {reference.Name} has no key {reference.Key}. Add it, or name another key."),
        _ => null,
    };
}
