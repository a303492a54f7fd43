using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>
/// The rules of a ShortenerRegion that lie between fields, or between the old and the new specification. Bounds of single fields are the schema's. Every CEL rule of
/// the types has its like here, for API servers that know no CEL, and in better words; rules on amounts stand here alone.
/// </summary>
internal static class RegionRules
{
    /// <summary>All problems; empty when the specification is good.</summary>
    /// <param name="spec">The specification.</param>
    /// <param name="oldSpec">What it replaces; null when the region is new, or nothing is known of an older one.</param>
    public static IReadOnlyList<SpecProblem> Check(RegionSpec spec, RegionSpec? oldSpec = null) =>
    [
        .. CheckIdentity(spec, oldSpec),
        .. CheckServers(spec),
        .. AppRules.Check(spec.App),
        .. PostgresRules.Check(spec.Postgres, oldSpec?.Postgres),
        .. RedisRules.Check(spec.Redis, oldSpec?.Redis),
        .. TrafficRules.Check(spec.Traffic),
        .. FailoverRules.Check(spec.Failover),
    ];

    /// <summary>What is allowed but hardly meant, or costs something that is not obvious; sentences.</summary>
    public static IReadOnlyList<string> Warnings(RegionSpec spec) =>
    [
        .. OwnWarnings(spec),
        .. AppRules.Warnings(spec.App),
        .. PostgresRules.Warnings(spec.Postgres),
        .. RedisRules.Warnings(spec.Redis),
        .. TrafficRules.Warnings(spec.Traffic),
        .. FailoverRules.Warnings(spec.Failover),
        .. UnsupportedFields.Find(spec).Select(problem => problem.ToString()),
    ];

    private static IEnumerable<SpecProblem> CheckIdentity(RegionSpec spec, RegionSpec? oldSpec)
    {
        if (oldSpec is null)
            yield break;
        if (spec.Region != oldSpec.Region)
            yield return new("spec.region", $"cannot be changed from {oldSpec.Region} to {spec.Region}. Make a new ShortenerRegion instead.");
        if (spec.Group != oldSpec.Group)
            yield return new("spec.group", $"cannot be changed from {oldSpec.Group} to {spec.Group}. Make a new ShortenerRegion instead.");
    }

    private static IEnumerable<SpecProblem> CheckServers(RegionSpec spec)
    {
        if (spec.Connections.PostgresSecretRef is null && spec.Postgres is null)
            yield return new("spec.connections.postgresSecretRef", "is missing: a region needs a PostgreSQL. Name the Secret with its connection string, or set spec.postgres.");
        if (spec.Connections.PostgresSecretRef is not null && spec.Postgres is not null)
            yield return new("spec.postgres", "cannot be set together with spec.connections.postgresSecretRef. Remove one: the region uses one PostgreSQL.");
        if (spec.Connections.RedisSecretRef is not null && spec.Redis is not null)
            yield return new("spec.redis", "cannot be set together with spec.connections.redisSecretRef. Remove one: the region uses one Redis.");
    }

    private static IEnumerable<string> OwnWarnings(RegionSpec spec)
    {
        if (spec.Suspend == SuspendMode.Full)
            yield return "spec.suspend is Full: the operator will not fail over either. Use Changes to stop changes alone.";
        if (spec.Connections.RedisSecretRef is null && spec.Redis is null)
            yield return "Without Redis each pod caches and limits for itself, and codes are made on demand: spec.connections.redisSecretRef names one.";
    }
}
