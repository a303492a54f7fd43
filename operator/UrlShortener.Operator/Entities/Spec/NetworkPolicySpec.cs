using System.ComponentModel;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The NetworkPolicy of the app's and the key generation service's pods.</summary>
internal sealed record NetworkPolicySpec
{
    /// <summary>Whether the operator creates one.</summary>
    [Description(
        "true: a NetworkPolicy admits connections to the HTTP port only; workers of the key generation service accept them from the operator and "
            + "Prometheus only."
    )]
    public bool Enabled { get; init; } = true;
}
