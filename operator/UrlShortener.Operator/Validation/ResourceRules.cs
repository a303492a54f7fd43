using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Validation;

/// <summary>The rules of a container's resources. Amounts cannot be compared in CEL before Kubernetes 1.29.</summary>
internal static class ResourceRules
{
    /// <summary>All problems.</summary>
    /// <param name="field">Path of the resources.</param>
    /// <param name="resources">The resources.</param>
    public static IEnumerable<SpecProblem> Check(string field, ResourcesSpec resources)
    {
        foreach (var (name, request) in resources.Requests)
        {
            if (resources.Limits.TryGetValue(name, out var limit) && request.ToDecimal() > limit.ToDecimal())
                yield return new($"{field}.requests", $"asks for {name} {request}, above the limit of {limit} in {field}.limits. Lower it, or raise the limit.");
        }
    }
}
