using System.Text.RegularExpressions;
using k8s.Models;

namespace UrlShortener.Operator.Validation;

/// <summary>
/// The rules of an object's name. Other objects are named after it, among them a Service, whose name is a DNS label that starts with a letter (RFC 1035).
/// Names never change, so only new objects are checked at admission.
/// </summary>
internal static partial class NameRules
{
    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(V1ObjectMeta metadata)
    {
        if (!string.IsNullOrEmpty(metadata.Name) && !Label().IsMatch(metadata.Name))
            yield return new(
                "metadata.name",
                $"is {metadata.Name}, which cannot be the start of the name of a Service. Use lower-case letters, digits and '-', with a letter first."
            );
    }

    [GeneratedRegex("^[a-z]([-a-z0-9]*[a-z0-9])?$")]
    private static partial Regex Label();
}
