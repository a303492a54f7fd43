using System.ComponentModel;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>Pods that load click events.</summary>
internal sealed record LoadersStatus
{
    /// <summary>All loaders.</summary>
    [Description("Number of loaders.")]
    public int? Replicas { get; init; }

    /// <summary>Ready loaders.</summary>
    [Description("Number of ready loaders.")]
    public int? ReadyReplicas { get; init; }

    /// <summary>Desired loaders.</summary>
    [Description("Number of loaders that the operator asks for.")]
    public int? DesiredReplicas { get; init; }
}
