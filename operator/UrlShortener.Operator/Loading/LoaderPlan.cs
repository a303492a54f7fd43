using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Regions;
using UrlShortener.Operator.Regions.Validation;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Loading;

/// <summary>The plan for a region's loaders, computed from its specification and the observed state. Pure.</summary>
internal sealed record LoaderPlan
{
    /// <summary>Why the plan is not carried out; null: it is.</summary>
    public Obstacle? Obstacle { get; init; }

    /// <summary>Whether the operator changes anything.</summary>
    public required bool Applies { get; init; }

    /// <summary>What loaders wait for before a start or change; null: nothing.</summary>
    public Obstacle? Waiting { get; init; }

    /// <summary>The process in their pods.</summary>
    public required RuntimeProcess Process { get; init; }

    /// <summary>Loaders.</summary>
    public required int Loaders { get; init; }

    /// <summary>Memory for the next reconcile.</summary>
    public required LoaderHistory History { get; init; }

    /// <summary>Computes the plan for a region that asks for loaders.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="history">Memory of the last reconcile.</param>
    /// <param name="now">The time.</param>
    public static LoaderPlan Of(V1Alpha1ShortenerRegion region, ObservedLoaders observed, LoaderHistory history, DateTimeOffset now)
    {
        var spec = region.Spec.ClickHouse!.Loaders;
        var obstacle = FindObstacle(region, observed);
        var (loaders, next) = LoaderCount.Next(spec, observed.Deployment?.Spec.Replicas, observed.Reading, history, now);
        // Without the Secrets of Kafka and ClickHouse: they are files, which the processes read again.
        var digest = SecretDigests.OfSettings(region, RuntimeEnvironment.SecretsOf(region), observed.Secrets);
        return new LoaderPlan
        {
            Obstacle = obstacle,
            Applies = obstacle is null && !region.Spec.IsSuspended(),
            Waiting = FindWaiting(region, observed),
            Process = new RuntimeProcess(region.Metadata.Name, Names.Clicks, spec.Image ?? region.Spec.App.Image, [], spec.Resources, digest)
            {
                Settings = LoaderResources.Settings(region),
            },
            Loaders = loaders,
            History = next,
        };
    }

    private static Obstacle? FindObstacle(V1Alpha1ShortenerRegion region, ObservedLoaders observed) =>
        NameRules.Check(region.Metadata).Concat(RegionRules.Check(region.Spec)).ToList() is { Count: > 0 } problems
            ? new Obstacle(Reasons.InvalidSpec, string.Join(' ', problems.Select(problem => problem.ToString())))
            : RuntimeEnvironment
                .SecretsOf(region)
                .Except(StoreConnections.MadeFor(region))
                .Select(reference => SecretDigests.FindMissing(reference, observed.Secrets))
                .FirstOrDefault(missing => missing is not null);

    private static Obstacle? FindWaiting(V1Alpha1ShortenerRegion region, ObservedLoaders observed)
    {
        if (observed.ServiceAccount is null || !RuntimeEnvironment.IsIn(observed.Settings, region))
            return new Obstacle(Reasons.RegionNotReady, "Loaders wait for the service account and settings of the region.");
        if (StoreConnections.MadeFor(region).Any(reference => SecretDigests.Find(reference, observed.Secrets) is null))
            return new Obstacle(Reasons.StoreStarting, "Loaders wait for the stores of the region.");
        // Like the app: loaders of a new version start after the migration. In a standby region the tables come with the data.
        return !StoreReadiness.IsStandby(region) && Migration.Of(region, observed.Secrets, observed.App, observed.Jobs).State != MigrationState.Done
            ? new Obstacle(Reasons.Migrating, "Loaders wait for the migration of the database.")
            : null;
    }
}
