using System.Text.RegularExpressions;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>References to variables in commands and values: <c>$(NAME)</c>.</summary>
internal static partial class Variables
{
    /// <summary>Replaces references. One to a variable that does not exist stays as it is, and <c>$$(NAME)</c> becomes <c>$(NAME)</c>.</summary>
    public static string Expand(string text, IReadOnlyDictionary<string, string> environment) =>
        Reference()
            .Replace(
                text,
                match =>
                    match.Value[1] == '$' ? match.Value[1..]
                    : environment.TryGetValue(match.Groups[1].Value, out var value) ? value
                    : match.Value
            );

    [GeneratedRegex(@"\$?\$\(([A-Za-z_.][A-Za-z0-9_.-]*)\)")]
    private static partial Regex Reference();
}
