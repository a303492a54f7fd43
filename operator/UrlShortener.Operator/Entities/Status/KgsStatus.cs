using System.ComponentModel;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>Workers of the key generation service.</summary>
internal sealed record KgsStatus
{
    /// <summary>All workers.</summary>
    [Description("Number of workers.")]
    public int? Replicas { get; init; }

    /// <summary>Ready workers.</summary>
    [Description("Number of ready workers.")]
    public int? ReadyReplicas { get; init; }

    /// <summary>Desired workers.</summary>
    [Description("Number of workers that the operator asks for.")]
    public int? DesiredReplicas { get; init; }
}
