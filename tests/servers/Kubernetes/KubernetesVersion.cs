using System.Globalization;
using System.Text.RegularExpressions;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>Which Kubernetes a cluster is, such as 1.37.</summary>
public sealed partial record KubernetesVersion(int Major, int Minor)
{
    /// <summary>The oldest that the operator supports.</summary>
    public static KubernetesVersion Oldest { get; } = new(1, 30);

    /// <summary>Whether the operator supports it.</summary>
    public bool IsSupported => Major > Oldest.Major || (Major == Oldest.Major && Minor >= Oldest.Minor);

    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}");

    /// <summary>Reads what the programs print with --version (<c>Kubernetes v1.37.2</c>), or a version that an API server tells
    /// (<c>v1.31.4+k3s1</c>).</summary>
    internal static KubernetesVersion Parse(string text) =>
        Pattern().Match(text) is { Success: true } match
            ? new KubernetesVersion(
                int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture),
                int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture)
            )
            : throw new InvalidOperationException($"\"{text}\" holds no version of Kubernetes.");

    [GeneratedRegex(@"v(\d{1,3})\.(\d{1,4})")]
    private static partial Regex Pattern();
}
