using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Schedules;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Failover;

/// <summary>The rules of <c>spec.failover</c> that the schema cannot express.</summary>
internal static class FailoverRules
{
    /// <summary>All problems.</summary>
    /// <param name="spec">The specification of the region.</param>
    public static IEnumerable<SpecProblem> Check(RegionSpec spec)
    {
        if (spec.Failover.Failback.Window is { } window && CronSchedule.FindProblem(window.Schedule) is { } problem)
            yield return new(
                "spec.failover.failback.window.schedule",
                $"is {window.Schedule}; it {problem}. Use five fields, such as 0 3 * * * for every night at three."
            );
    }
}
