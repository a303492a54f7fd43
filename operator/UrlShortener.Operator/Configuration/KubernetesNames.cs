using System.Text.RegularExpressions;

namespace UrlShortener.Operator.Configuration;

/// <summary>Valid Kubernetes names (RFC 1123).</summary>
internal static partial class KubernetesNames
{
    /// <summary>Whether a string is a valid namespace name: a DNS label.</summary>
    public static bool IsLabel(string text) => Label().IsMatch(text);

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\z")]
    private static partial Regex Label();
}
