using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>The pods of the app.</summary>
internal sealed record AppStatus
{
    /// <summary>Pods there are.</summary>
    [Description("Pods that exist.")]
    public int? Replicas { get; init; }

    /// <summary>Pods that serve.</summary>
    [Description("Pods that are ready.")]
    public int? ReadyReplicas { get; init; }

    /// <summary>Pods of the newest template.</summary>
    [Description("Pods that run the newest specification.")]
    public int? UpdatedReplicas { get; init; }

    /// <summary>For the scale subresource.</summary>
    [Description("Selector of the pods, as text.")]
    [Length(0, 1024)]
    public string? Selector { get; init; }

    /// <summary>What the autoscaler wants.</summary>
    [Description("Pods that the autoscaler wants.")]
    public int? HpaDesired { get; init; }
}
