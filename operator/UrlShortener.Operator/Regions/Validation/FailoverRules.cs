using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of <c>spec.failover</c>.</summary>
internal static class FailoverRules
{
    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(FailoverSpec failover)
    {
        if (failover.HealthyThreshold <= failover.UnhealthyThreshold)
            yield return new("spec.failover.healthyThreshold", $"is {failover.HealthyThreshold}; it must be above unhealthyThreshold ({failover.UnhealthyThreshold}), so that recovery is believed more slowly than failure.");
        if (failover.Mode == FailoverMode.Automatic && failover.DelaySeconds < failover.ProbeIntervalSeconds)
            yield return new("spec.failover.delaySeconds", $"is {failover.DelaySeconds}; with mode Automatic it must be at least probeIntervalSeconds ({failover.ProbeIntervalSeconds}), so that one more probe is seen before a failover.");
        if (failover.WriteLeaseSeconds < 3 * failover.ProbeIntervalSeconds)
            yield return new("spec.failover.writeLeaseSeconds", $"is {failover.WriteLeaseSeconds}; it must be at least 3 * probeIntervalSeconds ({3 * failover.ProbeIntervalSeconds}), so that a lost call does not stop writes.");
    }

    /// <summary>What is allowed but hardly meant.</summary>
    public static IEnumerable<string> Warnings(FailoverSpec failover)
    {
        if (failover.DataLossPolicy == "Allow")
            yield return "spec.failover.dataLossPolicy is Allow: a failover may lose acknowledged links, however many.";
    }
}
