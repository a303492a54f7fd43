using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The workers of the key generation service.</summary>
[Rule("self.minReplicas <= self.maxReplicas", "minReplicas must be at most maxReplicas")]
internal sealed record KgsSpec
{
    /// <summary>Null: the region's.</summary>
    [Description("Image of the workers. If absent: the image of the region's app.")]
    [Length(1, 512)]
    [RegularExpression("^[a-zA-Z0-9][-a-zA-Z0-9._/:@]*$")]
    public string? Image { get; init; }

    /// <summary>Workers.</summary>
    [Description("Minimum number of workers. At most maxReplicas.")]
    [Range(1, 20)]
    public int MinReplicas { get; init; } = 2;

    /// <summary>Workers.</summary>
    [Description("Maximum number of workers. The operator adds workers while the level falls although workers fill the pool.")]
    [Range(1, 20)]
    public int MaxReplicas { get; init; } = 4;

    /// <summary>CPU and memory of a worker.</summary>
    [Description("CPU and memory of each worker.")]
    public ResourcesSpec Resources { get; init; } = ResourcesSpec.Of(cpu: "100m", memory: "192Mi", memoryLimit: "384Mi");
}
