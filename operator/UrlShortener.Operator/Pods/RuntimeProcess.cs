using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Pods;

/// <summary>The process in a pod of the runtime.</summary>
/// <param name="Instance">Name of the owner of the pods.</param>
/// <param name="Component">One of the components of <see cref="Names"/>.</param>
/// <param name="Image">The image.</param>
/// <param name="Arguments">Arguments of the process.</param>
/// <param name="Resources">CPU and memory.</param>
/// <param name="SettingsDigest">Digest of everything that the process reads at the start; a change replaces the pods.</param>
internal sealed record RuntimeProcess(
    string Instance,
    string Component,
    string Image,
    IReadOnlyList<string> Arguments,
    ResourcesSpec Resources,
    string SettingsDigest
)
{
    /// <summary>Settings in addition to those of the region.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Secret settings in addition to those of the region.</summary>
    public IReadOnlyList<V1EnvVar> Secrets { get; init; } = [];

    /// <summary>Whether it runs to completion.</summary>
    public bool IsJob { get; init; }
}
