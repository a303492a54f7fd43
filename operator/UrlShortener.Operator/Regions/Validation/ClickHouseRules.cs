using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of <c>spec.clickHouse</c>.</summary>
internal static class ClickHouseRules
{
    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(RegionSpec spec)
    {
        if (spec.ClickHouse is not { } clickHouse)
            yield break;
        if (spec.KafkaOrNone() is null)
            yield return new(
                "spec.clickHouse",
                "is set, and spec.kafka.bootstrapServers is not. Clicks get to ClickHouse through Kafka: name its brokers, or remove spec.clickHouse."
            );
        if (clickHouse.Loaders.MinReplicas > clickHouse.Loaders.MaxReplicas)
            yield return new(
                "spec.clickHouse.loaders.minReplicas",
                $"is {clickHouse.Loaders.MinReplicas}, above maxReplicas ({clickHouse.Loaders.MaxReplicas}). Lower it, or raise maxReplicas."
            );
    }
}
