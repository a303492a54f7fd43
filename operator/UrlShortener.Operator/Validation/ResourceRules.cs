using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Validation;

/// <summary>The rules of a container's resources.</summary>
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
                yield return new(
                    $"{field}.requests",
                    $"requests {name} {request}, above the limit of {limit} in {field}.limits. Lower the request, or raise the limit."
                );
        }
    }
}
