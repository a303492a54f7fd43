using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Failover;

/// <summary>Index of the pods of PostgreSQL by namespace and name of their region, which outlives the region's object.</summary>
internal static class GroupIndex
{
    /// <summary>Name of the index.</summary>
    public const string ByRegion = "postgresOfRegion";

    /// <summary>The key of a region.</summary>
    public static string KeyOf(string space, string region) => $"{space}/{region}";

    /// <summary>The values of a pod.</summary>
    public static IEnumerable<string> RegionOf(V1Pod pod) =>
        Labels.ComponentOf(pod.Metadata) == PostgresNames.Component && Labels.RegionOf(pod.Metadata) is { } region
            ? [KeyOf(pod.Metadata.NamespaceProperty, region)]
            : [];
}
