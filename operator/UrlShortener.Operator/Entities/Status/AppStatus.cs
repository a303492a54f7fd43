using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>The pods of the app.</summary>
internal sealed record AppStatus
{
    /// <summary>All pods.</summary>
    [Description("Number of pods.")]
    public int? Replicas { get; init; }

    /// <summary>Ready pods.</summary>
    [Description("Number of ready pods.")]
    public int? ReadyReplicas { get; init; }

    /// <summary>Pods of the current template.</summary>
    [Description("Number of pods that run the current specification.")]
    public int? UpdatedReplicas { get; init; }

    /// <summary>For the scale subresource.</summary>
    [Description("Label selector of the pods, for the scale subresource.")]
    [Length(0, 1024)]
    public string? Selector { get; init; }

    /// <summary>The autoscaler's decision.</summary>
    [Description("Number of pods that the autoscaler asks for.")]
    public int? HpaDesired { get; init; }
}
