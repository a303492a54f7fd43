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
            .. CheckConnections(spec.Connections),
            .. AppRules.Check(spec.App),
            .. TrafficRules.Check(spec.Traffic),
            .. MonitoringRules.Check(spec.Monitoring),
        ];

    /// <summary>Warnings about values that are valid but probably unintended, or that have a cost; sentences.</summary>
    public static IReadOnlyList<string> Warnings(RegionSpec spec) =>
        [.. ConnectionWarnings(spec.Connections), .. AppRules.Warnings(spec.App), .. TrafficRules.Warnings(spec.Traffic)];

    private static IEnumerable<SpecProblem> CheckIdentity(RegionSpec spec, RegionSpec? oldSpec)
    {
        if (oldSpec is null)
            yield break;
        if (spec.Region != oldSpec.Region)
            yield return new("spec.region", $"cannot be changed from {oldSpec.Region} to {spec.Region}. Create a new ShortenerRegion instead.");
        if (spec.Group != oldSpec.Group)
            yield return new("spec.group", $"cannot be changed from {oldSpec.Group} to {spec.Group}. Create a new ShortenerRegion instead.");
    }

    // The schema requires it too, but an object of an earlier version may lack it.
    private static IEnumerable<SpecProblem> CheckConnections(ConnectionsSpec connections)
    {
        if (connections.PostgresSecretRef is null)
            yield return new("spec.connections.postgresSecretRef", "is missing. Set it to the Secret with the connection string of your PostgreSQL.");
    }

    private static IEnumerable<string> ConnectionWarnings(ConnectionsSpec connections)
    {
        if (connections.RedisSecretRef is null)
        {
            yield return "spec.connections.redisSecretRef is not set. Without Redis, each pod has its own cache and rate limits, and generates codes "
                + "on demand. "
                + "Set it to the Secret of your Redis.";
        }
    }
}
