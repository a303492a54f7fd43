using System.ComponentModel;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>Workers of the key generation service.</summary>
internal sealed record KgsStatus
{
    /// <summary>Workers there are.</summary>
    [Description("Workers that exist.")]
    public int? Replicas { get; init; }

    /// <summary>Workers that serve.</summary>
    [Description("Workers that are ready.")]
    public int? ReadyReplicas { get; init; }

    /// <summary>Workers wanted.</summary>
    [Description("Workers that are wanted.")]
    public int? DesiredReplicas { get; init; }
}
