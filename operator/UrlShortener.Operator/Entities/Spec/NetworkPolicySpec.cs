using System.ComponentModel;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The NetworkPolicy of the app's and the key generation service's pods.</summary>
internal sealed record NetworkPolicySpec
{
    /// <summary>Whether there is one.</summary>
    [Description("Whether pods accept connections to their own ports only, and those of the key generation service from the operator and from monitoring only.")]
    public bool Enabled { get; init; } = true;
}
