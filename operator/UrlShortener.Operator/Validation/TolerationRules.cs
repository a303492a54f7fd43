using System.Text.RegularExpressions;
using UrlShortener.Operator.Entities.Schema;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Validation;

/// <summary>The rules of tolerations, the same as the API server's for pods.</summary>
internal static partial class TolerationRules
{
    /// <summary>All problems.</summary>
    /// <param name="field">Path of the list.</param>
    /// <param name="tolerations">The list.</param>
    public static IEnumerable<SpecProblem> Check(string field, IReadOnlyList<Toleration> tolerations)
    {
        foreach (var (index, toleration) in tolerations.Index())
        {
            if (toleration.Key is null && toleration.Operator != "Exists")
                yield return new($"{field}[{index}].operator", "must be Exists if key is absent. Set it to Exists, or set key.");
            if (toleration.Value is not null && toleration.Operator == "Exists")
                yield return new($"{field}[{index}].value", "must be absent if operator is Exists, which tolerates every value. Remove value.");
            if (toleration.TolerationSeconds is not null && toleration.Effect != "NoExecute")
                yield return new(
                    $"{field}[{index}].tolerationSeconds",
                    "is only possible with effect NoExecute. Set effect to NoExecute, or remove tolerationSeconds."
                );
            if (toleration.Key is { } key && !KeyRules.IsQualified(key))
                yield return new($"{field}[{index}].key", $"is {key}, which is not a valid key of a taint. Use name or prefix/name.");
            if (toleration.Value is { } value && !LabelValue().IsMatch(value))
                yield return new(
                    $"{field}[{index}].value",
                    $"is {value}, which is not a valid value of a taint. Use letters, digits, '-', '_' and '.', with a letter or digit first and last."
                );
        }
    }

    [GeneratedRegex(Patterns.LabelValue)]
    private static partial Regex LabelValue();
}
