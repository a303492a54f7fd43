using System.Globalization;
using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Regions.Validation;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions;

/// <summary>The plan for a region, computed from its specification and the observed state. Pure.</summary>
internal sealed record RegionPlan
{
    /// <summary>Why the plan is not carried out; null: it is.</summary>
    public Obstacle? Obstacle { get; init; }

    /// <summary>Why the PodMonitor cannot be applied; null: it is, or need not be.</summary>
    public Obstacle? MonitorObstacle { get; init; }

    /// <summary>Role of the region in its group.</summary>
    public required PrimaryRole Role { get; init; }

    /// <summary>Minimum number of pods of the app.</summary>
    public required int Floor { get; init; }

    /// <summary>The minimum of the autoscaler: more than <see cref="Floor"/> while the visitors of a region that left come here.</summary>
    public required int AutoscalerFloor { get; init; }

    /// <summary>The migration that the app needs.</summary>
    public required Migration Migration { get; init; }

    /// <summary>The process in the pods of the app.</summary>
    public required RuntimeProcess Process { get; init; }

    /// <summary>Whether the operator changes anything.</summary>
    public required bool Applies { get; init; }

    /// <summary>Replicas to set, because the autoscaler neither scales to 0 nor up from it; null: the autoscaler owns the number.</summary>
    public int? Rescale { get; init; }

    /// <summary>Replicas to set after the creation of the Deployment, because the server's default is one; null: it exists.</summary>
    public int? FirstReplicas { get; init; }

    /// <summary>The known state of the database's tables, and whether the migration runs again.</summary>
    public required SchemaRepair Repair { get; init; }

    /// <summary>Whether to create the Job of the migration.</summary>
    public bool StartsMigration { get; init; }

    /// <summary>
    /// Jobs to delete: those of earlier migrations, whatever their result; one that has not succeeded and whose specification has changed; one whose
    /// migration is to run again.
    /// </summary>
    public IReadOnlyList<V1Job> EndedJobs { get; init; } = [];

    /// <summary>Jobs to adopt.</summary>
    public IReadOnlyList<V1Job> OrphanedJobs { get; init; } = [];

    /// <summary>How long the migration waits for the connection to the database to stay unchanged; null: it does not.</summary>
    public TimeSpan? SettlesIn { get; init; }

    /// <summary>Whether an autoscaler owns the number of pods.</summary>
    public bool IsScaled => Floor > 0;

    /// <summary>Whether the operator still prepares a store of the region, so that there is nothing to connect to.</summary>
    public bool AwaitsStore { get; init; }

    /// <summary>Whether to apply the Deployment: pods of a new version start after the migration; until then the old ones keep serving.</summary>
    public bool Deploys => Migration.State == MigrationState.Done && !AwaitsStore;

    /// <summary>Computes the plan.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="now">The time.</param>
    public static RegionPlan Of(V1Alpha1ShortenerRegion region, ObservedRegion observed, DateTimeOffset now)
    {
        var obstacle = FindObstacle(region, observed);
        var role = PrimaryRole.Of(region, observed.Group, now);
        var floor = role.Role is RegionRole.Primary or RegionRole.Fenced || role.IsNext ? region.Spec.App.MinReplicas : region.Spec.App.StandbyMinReplicas;
        var isStandby = role.Role == RegionRole.Fenced || (role.Role == RegionRole.Standby && StoreReadiness.IsStandby(region));
        var migration = Migration.Of(region, observed.Secrets, observed.Deployment, observed.Jobs);
        // The tables come with the data.
        if (isStandby)
            migration = migration with { State = MigrationState.Done };
        var job = MigrationJob.Build(region, migration.Digest);
        var settlesIn = observed.ConnectionChangedAt + Migration.SettleTime - now is { Ticks: > 0 } rest ? rest : (TimeSpan?)null;
        var repair = SchemaRepair.Of(region, observed, migration, now);
        if (isStandby)
            repair = repair with { IsDue = false };
        var awaitsStore = StoreConnections.MadeFor(region).Any(reference => SecretDigests.Find(reference, observed.Secrets) is null);
        var isWanted = migration.State == MigrationState.Missing || repair.IsDue;
        return new RegionPlan
        {
            Obstacle = obstacle,
            Applies = obstacle is null && !region.Spec.IsSuspended(),
            Role = role,
            Floor = floor,
            AutoscalerFloor = Math.Min(Math.Max(floor, region.Spec.App.MaxReplicas), floor + (floor > 0 ? region.Status?.Traffic?.SurgePods ?? 0 : 0)),
            Process = ProcessOf(region, observed),
            Rescale =
                observed.Deployment is { Spec.Replicas: { } replicas } app && Owned.IsControlledBy(app, region) && floor == 0 != (replicas == 0) ? floor : null,
            FirstReplicas = observed.Deployment is null ? floor : null,
            Migration = migration,
            SettlesIn = isWanted ? settlesIn : null,
            AwaitsStore = awaitsStore,
            StartsMigration = isWanted && settlesIn is null && !awaitsStore && IsFree(observed, job.Metadata.Name),
            Repair = repair,
            EndedJobs =
            [
                .. observed.Jobs.Where(other =>
                    other.Metadata.DeletionTimestamp is null && (IsObsolete(other, job, now) || (repair.IsDue && other.Metadata.Name == job.Metadata.Name))
                ),
            ],
            OrphanedJobs = [.. observed.Jobs.Where(other => Owned.IsOrphan(other, job))],
        };
    }

    private static RuntimeProcess ProcessOf(V1Alpha1ShortenerRegion region, ObservedRegion observed)
    {
        var spec = region.Spec;
        var settings = new Dictionary<string, string> { [SettingNames.Role] = RoleNames.App };
        if (KeyPoolHolder.Of(observed.KeyPools) is { } pool)
            settings[SettingNames.KeyBatchSize] = pool.Spec.LeaseBlockSize.ToString(CultureInfo.InvariantCulture);
        foreach (var (name, value) in ClickEvents.SettingsOf(region).Concat(Analytics.SettingsOf(region)))
            settings[name] = value;
        // Without the Secrets of Kafka and ClickHouse: they are files, which the processes read again.
        var digest = SecretDigests.OfSettings(region, RuntimeEnvironment.SecretsOf(region), observed.Secrets);
        return new RuntimeProcess(region.Metadata.Name, Names.App, spec.App.Image, [], spec.App.Resources, digest) { Settings = settings };
    }

    // Two migrations must never run at the same time.
    private static bool IsFree(ObservedRegion observed, string name) =>
        observed.Jobs.All(job => Migration.IsFinished(job) && job.Metadata.Name != name)
        && observed.Pods.All(pod => Labels.ComponentOf(pod.Metadata) != Names.Migrate || pod.Status?.Phase is "Succeeded" or "Failed");

    private static bool IsObsolete(V1Job job, V1Job wanted, DateTimeOffset now) =>
        job.Metadata.Name != wanted.Metadata.Name
        || (!Migration.IsComplete(job) && (!MigrationJob.IsSame(job, wanted) || Migration.FailedAt(job) + Migration.RetryDelay <= now));

    private static Obstacle? FindObstacle(V1Alpha1ShortenerRegion region, ObservedRegion observed) =>
        Of(Reasons.InvalidSpec, [.. NameRules.Check(region.Metadata), .. RegionRules.Check(region.Spec)])
        ?? FindTwin(region, observed.Group)
        ?? RuntimeEnvironment
            .SecretsOf(region)
            .Except(StoreConnections.MadeFor(region))
            .Select(reference => SecretDigests.FindMissing(reference, observed.Secrets))
            .FirstOrDefault(missing => missing is not null)
        ?? FindMissingConfigMap(region.Spec, observed);

    private static Obstacle? Of(string reason, IReadOnlyList<SpecProblem> problems) =>
        problems.Count == 0 ? null : new Obstacle(reason, string.Join(' ', problems.Select(problem => problem.ToString())));

    private static Obstacle? FindTwin(V1Alpha1ShortenerRegion region, IReadOnlyList<V1Alpha1ShortenerRegion> group)
    {
        var twin = group
            .Where(one => one.Spec.Region == region.Spec.Region && one.Metadata.Uid != region.Metadata.Uid && one.Metadata.DeletionTimestamp is null)
            .OrderBy(one => one.Metadata.CreationTimestamp)
            .ThenBy(one => one.Metadata.Uid, StringComparer.Ordinal)
            .FirstOrDefault();
        return twin is null || PrimaryRole.IsOlder(region, twin)
            ? null
            : new Obstacle(
                Reasons.RegionConflict,
                $"ShortenerRegion {twin.Metadata.NamespaceProperty}/{twin.Metadata.Name} already is region "
                    + $"{region.Spec.Region} of group {region.Spec.Group}. Delete one of them."
            );
    }

    private static Obstacle? FindMissingConfigMap(RegionSpec spec, ObservedRegion observed) =>
        spec.App.BlocklistConfigMapRef switch
        {
            null => null,
            { } reference when observed.Blocklist is null => new Obstacle(
                Reasons.ConfigMapNotFound,
                $"ConfigMap {reference.Name} does not exist in this " + $"namespace. Create it with key {reference.Key}."
            ),
            { } reference when observed.Blocklist.Data?.ContainsKey(reference.Key) != true => new Obstacle(
                Reasons.ConfigMapNotFound,
                $"ConfigMap {reference.Name} has no key {reference.Key}. Add the key, or reference another one."
            ),
            _ => null,
        };
}
