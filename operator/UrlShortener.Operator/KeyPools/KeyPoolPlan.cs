using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Regions;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.KeyPools;

/// <summary>The plan for a pool, computed from its specification and the observed state. Pure.</summary>
internal sealed record KeyPoolPlan
{
    /// <summary>Why the plan is not carried out; null: it is.</summary>
    public Obstacle? Obstacle { get; init; }

    /// <summary>Whether the operator changes anything or sends commands.</summary>
    public bool Applies { get; init; }

    /// <summary>What workers wait for before a start or change; null: nothing.</summary>
    public Obstacle? Waiting { get; init; }

    /// <summary>The Secret with the workers' token.</summary>
    public required SecretKeyRef Token { get; init; }

    /// <summary>Whether to create the Secret with the token.</summary>
    public bool MakesToken { get; init; }

    /// <summary>The process in the workers' pods; null: there is no region.</summary>
    public RuntimeProcess? Process { get; init; }

    /// <summary>Workers.</summary>
    public required int Workers { get; init; }

    /// <summary>Memory for the next reconcile.</summary>
    public required WorkerHistory History { get; init; }

    /// <summary>Whether to stop the workers, because their region was deleted, and with it their settings and service account.</summary>
    public bool StopsWorkers { get; init; }

    /// <summary>Whether to command a refill.</summary>
    public bool Refills { get; init; }

    /// <summary>The epoch to open; null: none.</summary>
    public int? OpensEpoch { get; init; }

    /// <summary>An invalid value of <see cref="Labels.OpenEpoch"/>; null: it is valid or absent.</summary>
    public string? BadEpoch { get; init; }

    /// <summary>Computes the plan.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="history">Memory of the last reconcile.</param>
    /// <param name="now">The time.</param>
    public static KeyPoolPlan Of(V1Alpha1KeyPool pool, ObservedKeyPool observed, WorkerHistory history, DateTimeOffset now)
    {
        var token = KeyPoolObserver.TokenOf(pool, observed.Region);
        var obstacle = FindObstacle(pool, observed, token);
        var (workers, next) = WorkerCount.Next(pool.Spec, observed.Deployment?.Spec.Replicas, observed.Reading, history, now);
        var (epoch, bad) = EpochOf(pool);
        var plan = new KeyPoolPlan
        {
            Obstacle = obstacle,
            Token = token,
            Workers = workers,
            History = next,
            BadEpoch = bad,
            StopsWorkers =
                obstacle is { Reason: Reasons.RegionNotFound }
                && !pool.Spec.Suspend
                && observed.Deployment is { Spec.Replicas: not 0 } deployment
                && Owned.IsControlledBy(deployment, pool),
        };
        if (obstacle is not null || observed.Region is not { } region)
            return plan;

        var makesToken = region.Spec.Connections.KgsTokenSecretRef is null && !observed.Secrets.ContainsKey(token.Name);
        return plan with
        {
            Applies = !pool.Spec.Suspend,
            Waiting = FindWaiting(pool, region, observed, makesToken),
            MakesToken = makesToken,
            Process = ProcessOf(pool, region, observed, token),
            Refills = RefillPlanner.MustRefill(pool.Spec, pool.Status?.Refill?.FilledTo, observed.Reading),
            OpensEpoch = observed.Reading is { Epoch: > 0 } reading && reading.Epoch < epoch ? epoch : null,
        };
    }

    private static RuntimeProcess ProcessOf(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region, ObservedKeyPool observed, SecretKeyRef token)
    {
        var secrets = RuntimeEnvironment.SecretsOf(region).Append(token);
        var digest = SecretDigests.OfSettings(region, secrets, observed.Secrets);
        return new RuntimeProcess(pool.Metadata.Name, Names.Kgs, pool.Spec.Kgs.Image ?? region.Spec.App.Image, [], pool.Spec.Kgs.Resources, digest)
        {
            Settings = KgsResources.Settings(pool.Spec),
            Secrets = [RuntimeEnvironment.From(SettingNames.KgsToken, token)],
        };
    }

    private static (int? Epoch, string? Bad) EpochOf(V1Alpha1KeyPool pool) =>
        Labels.AnnotationOf(pool.Metadata, Labels.OpenEpoch) switch
        {
            null or "" => (null, null),
            { } text when KeyPoolRules.TryReadEpoch(text, out var epoch) => (epoch, null),
            { } text => (null, Texts.Cut(text, 40)),
        };

    private static Obstacle? FindObstacle(V1Alpha1KeyPool pool, ObservedKeyPool observed, SecretKeyRef token) =>
        FindInvalid(pool) ?? FindHolder(pool, observed.Siblings) ?? (observed.Region is { } region ? FindIn(pool, region, observed, token) : Missing(pool));

    private static Obstacle Missing(V1Alpha1KeyPool pool) =>
        new(Reasons.RegionNotFound, $"ShortenerRegion {pool.Spec.RegionRef.Name} does not exist in this namespace. Create it, or delete this KeyPool.");

    private static Obstacle? FindInvalid(V1Alpha1KeyPool pool) =>
        NameRules.Check(pool.Metadata).Concat(KeyPoolRules.Check(pool.Spec)).ToList() is { Count: > 0 } problems
            ? new Obstacle(Reasons.InvalidSpec, string.Join(' ', problems.Select(problem => problem.ToString())))
            : null;

    private static Obstacle? FindHolder(V1Alpha1KeyPool pool, IReadOnlyList<V1Alpha1KeyPool> siblings) =>
        KeyPoolHolder.Of(siblings) is { } holder && holder.Metadata.Uid != pool.Metadata.Uid
            ? new Obstacle(Reasons.PoolConflict, $"Region {pool.Spec.RegionRef.Name} already has KeyPool {holder.Metadata.Name}. Delete one of them.")
            : null;

    private static Obstacle? FindIn(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region, ObservedKeyPool observed, SecretKeyRef token)
    {
        if (region.Metadata.DeletionTimestamp is not null)
            return new Obstacle(
                Reasons.RegionNotFound,
                $"ShortenerRegion {region.Metadata.Name} is being deleted. Delete this KeyPool too, or create the region again."
            );
        if (StoreConnections.RedisOf(region) is null)
        {
            return new Obstacle(
                Reasons.NotSupported,
                $"ShortenerRegion {region.Metadata.Name} has no Redis, which a pool needs. "
                    + "Set spec.connections.redisSecretRef of the region, or delete this KeyPool. Without it the app generates codes on demand."
            );
        }

        var isOwn = region.Spec.Connections.KgsTokenSecretRef is null;
        if (isOwn && observed.Secrets.TryGetValue(token.Name, out var made) && !KgsResources.IsOwnToken(pool, region, made))
            return new Obstacle(
                Reasons.NameTaken,
                $"Secret {token.Name} exists and does not belong to this KeyPool. Delete it, or reference it in "
                    + "spec.connections.kgsTokenSecretRef of the region."
            );
        foreach (var reference in RuntimeEnvironment.SecretsOf(region).Append(token))
        {
            // The operator creates a missing token, and never changes an existing one.
            if (isOwn && reference == token)
            {
                if (observed.Secrets.ContainsKey(token.Name) && SecretDigests.Find(token, observed.Secrets) is null)
                    return new Obstacle(
                        Reasons.SecretNotFound,
                        $"Secret {token.Name} has no key {token.Key}. Delete the Secret; the operator then creates " + "a new one."
                    );
            }
            else if (SecretDigests.FindMissing(reference, observed.Secrets) is { } missing)
                return missing;
        }

        return null;
    }

    private static Obstacle? FindWaiting(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region, ObservedKeyPool observed, bool makesToken)
    {
        if (observed.ServiceAccount is null || !RuntimeEnvironment.IsIn(observed.Settings, region))
            return new Obstacle(
                Reasons.RegionNotReady,
                $"ShortenerRegion {region.Metadata.Name} does not have its service account and settings yet. See " + "its conditions."
            );
        // Like the app: workers of a new version start after the migration.
        if (Migration.Of(region, observed.Secrets, observed.App, observed.Jobs).State != MigrationState.Done)
            return new Obstacle(Reasons.Migrating, $"Workers wait for the database migration of ShortenerRegion {region.Metadata.Name}. See its conditions.");
        return makesToken ? new Obstacle(Reasons.RollingOut, "The operator is creating the token of the workers.") : null;
    }
}
