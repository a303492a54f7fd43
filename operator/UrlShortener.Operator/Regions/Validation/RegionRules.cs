using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>
/// Rules of a ShortenerRegion between fields, or between the old and the new specification. The schema limits single fields. Each CEL rule of the types has a
/// counterpart here with a longer message, for the webhook and the reconcile. Rules on quantities exist only here.
/// </summary>
internal static class RegionRules
{
    /// <summary>All problems; empty if the specification is valid.</summary>
    /// <param name="spec">The specification.</param>
    /// <param name="oldSpec">The specification that it replaces; null if the region is new, or the old one is not known.</param>
    public static IReadOnlyList<SpecProblem> Check(RegionSpec spec, RegionSpec? oldSpec = null) =>
        [
            .. CheckIdentity(spec, oldSpec),
            .. CheckPostgres(spec, oldSpec),
            .. AppRules.Check(spec.App),
            .. TrafficRules.Check(spec.Traffic),
            .. MonitoringRules.Check(spec.Monitoring),
            .. KafkaRules.Check(spec.Kafka),
            .. ClickHouseRules.Check(spec),
        ];

    /// <summary>Warnings about values that are valid but probably unintended, or that have a cost; sentences.</summary>
    public static IReadOnlyList<string> Warnings(RegionSpec spec) =>
        [
            .. ConnectionWarnings(spec),
            .. AppRules.Warnings(spec.App),
            .. TrafficRules.Warnings(spec.Traffic, spec.App.Service),
            .. KafkaRules.Warnings(spec.Kafka),
        ];

    private static IEnumerable<SpecProblem> CheckIdentity(RegionSpec spec, RegionSpec? oldSpec)
    {
        if (spec.Cluster is { Name: null, KubeconfigSecretRef: not null })
            yield return new("spec.cluster.name", "is missing. Name the cluster that the kubeconfig leads to.");
        if (spec.WitnessName() is not null && spec.ClusterName() is null)
            yield return new(
                "spec.failover.witness",
                "is set, and spec.cluster.name is not. Regions of one cluster are all lost with its API server, whoever else votes. Remove it."
            );
        else if (spec.WitnessName() is { } witness && witness == spec.ClusterName())
            yield return new("spec.failover.witness.cluster.name", $"is {witness}, which runs the region. Name a cluster that is not lost together with it.");
        if (oldSpec is null)
            yield break;
        if (spec.Region != oldSpec.Region)
            yield return new("spec.region", $"cannot be changed from {oldSpec.Region} to {spec.Region}. Create a new ShortenerRegion instead.");
        if (spec.Group != oldSpec.Group)
            yield return new("spec.group", $"cannot be changed from {oldSpec.Group} to {spec.Group}. Create a new ShortenerRegion instead.");
        if (spec.ClusterName() is null != oldSpec.ClusterName() is null)
            yield return new("spec.cluster", "cannot be added or removed. Create a new ShortenerRegion instead.");
        else if (spec.Cluster?.Name != oldSpec.Cluster?.Name)
            yield return new(
                "spec.cluster.name",
                $"cannot be changed from {oldSpec.Cluster?.Name} to {spec.Cluster?.Name}. Create a new ShortenerRegion instead."
            );
    }

    private static IEnumerable<SpecProblem> CheckPostgres(RegionSpec spec, RegionSpec? oldSpec)
    {
        if (spec.Postgres is not null && spec.Connections.PostgresSecretRef is not null)
            yield return new("spec.postgres", "and spec.connections.postgresSecretRef are both set. Remove one: the operator runs PostgreSQL, or you do.");
        if (spec.Postgres is null && spec.Connections.PostgresSecretRef is null)
            yield return new(
                "spec.connections.postgresSecretRef",
                "is missing. Set it to the Secret with the connection string of your PostgreSQL, or set spec.postgres to let the operator run one."
            );
        if (oldSpec is not null && (spec.Postgres is null) != (oldSpec.Postgres is null))
            yield return new(
                "spec.postgres",
                spec.Postgres is null
                    ? "cannot be removed: the links would stay behind. Create a new ShortenerRegion instead."
                    : "cannot be added: the links would stay behind. Create a new ShortenerRegion instead."
            );
    }

    private static IEnumerable<string> ConnectionWarnings(RegionSpec spec)
    {
        if (spec.Connections.RedisSecretRef is null && spec.Redis is null)
        {
            yield return "spec.connections.redisSecretRef is not set. Without Redis, each pod has its own cache and rate limits, and generates codes "
                + "on demand. "
                + "Set it to the Secret of your Redis.";
        }
    }
}
