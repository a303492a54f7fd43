using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of <c>spec.monitoring</c>.</summary>
internal static class MonitoringRules
{
    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(MonitoringSpec monitoring) =>
        KeyRules.Check("spec.monitoring.podMonitor.labels", monitoring.PodMonitor.Labels.Keys, Labels.OwnPrefix, Labels.CommonPrefix);
}
