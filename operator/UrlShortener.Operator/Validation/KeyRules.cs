using System.Text.RegularExpressions;

namespace UrlShortener.Operator.Validation;

/// <summary>The rules of keys of labels, annotations and taints.</summary>
internal static partial class KeyRules
{
    /// <summary>All problems.</summary>
    /// <param name="field">Path of the map.</param>
    /// <param name="keys">Its keys.</param>
    /// <param name="reserved">Prefixes that are reserved for the operator.</param>
    public static IEnumerable<SpecProblem> Check(string field, IEnumerable<string> keys, params string[] reserved)
    {
        foreach (var key in keys)
        {
            if (reserved.FirstOrDefault(prefix => key.StartsWith(prefix, StringComparison.Ordinal)) is { } prefix)
                yield return new(field, $"has the key {key}. The prefix {prefix} is reserved for the operator. Use another key.");
            else if (!IsQualified(key))
                yield return new(
                    field,
                    $"has the key {key}, which is not valid. Use name or prefix/name, with a name of at most 63 letters, digits, '-', '_' and '.'."
                );
        }
    }

    /// <summary>Whether a key is valid.</summary>
    public static bool IsQualified(string key) => QualifiedName().IsMatch(key) && key[(key.IndexOf('/', StringComparison.Ordinal) + 1)..].Length <= 63;

    [GeneratedRegex("^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?\\z")]
    private static partial Regex QualifiedName();
}
