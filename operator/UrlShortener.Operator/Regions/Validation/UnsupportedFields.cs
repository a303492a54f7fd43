using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>
/// What the API holds already but this version of the operator does not do. The schema takes it, so that the API need not change later; the reconcile refuses it with a
/// condition, and admission warns of it.
/// </summary>
internal static class UnsupportedFields
{
    private const string Later = "does not work in this version of the operator, which leaves the region alone while it is set.";

    /// <summary>The fields that are set although they do not work; empty when all that is asked for can be done.</summary>
    public static IReadOnlyList<SpecProblem> Find(RegionSpec spec)
    {
        var problems = new List<SpecProblem>();
        AddIf(spec.Cluster is not null, "spec.cluster", "Remove it: regions run in the cluster of their object.");
        AddIf(spec.Postgres is not null, "spec.postgres", "Remove it, and name your own PostgreSQL by spec.connections.postgresSecretRef.");
        AddIf(spec.Redis is not null, "spec.redis", "Remove it, and name your own Redis by spec.connections.redisSecretRef.");
        AddIf(spec.Kafka is not null, "spec.kafka", "Remove it: clicks go to PostgreSQL.");
        AddIf(spec.Clickhouse is not null, "spec.clickhouse", "Remove it: statistics are kept in PostgreSQL.");
        AddIf(spec.Traffic.Mode != TrafficMode.None, "spec.traffic.mode", "Set it to None, and lead traffic to the Service of the region yourself.");
        AddIf(spec.Drain, "spec.drain", "Set it to false.");
        return problems;

        void AddIf(bool isSet, string field, string remedy)
        {
            if (isSet)
                problems.Add(new(field, $"{Later} {remedy}"));
        }
    }
}
