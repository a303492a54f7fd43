using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The workers of the key generation service.</summary>
[Rule("self.minReplicas <= self.maxReplicas", "minReplicas must be at most maxReplicas")]
internal sealed record KgsSpec
{
    /// <summary>Null: the region's.</summary>
    [Description("Image of the workers. Absent: the image of the region's app.")]
    [Length(1, 512)]
    [RegularExpression("^[a-zA-Z0-9][-a-zA-Z0-9._/:@]*$")]
    public string? Image { get; init; }

    /// <summary>Workers.</summary>
    [Description("Fewest workers. Without any, codes are made on demand. At most maxReplicas.")]
    [Range(1, 20)]
    public int MinReplicas { get; init; } = 2;

    /// <summary>Workers.</summary>
    [Description("Most workers. The operator adds workers while the pool falls although it is being filled.")]
    [Range(1, 20)]
    public int MaxReplicas { get; init; } = 4;

    /// <summary>What a pod asks for and may use.</summary>
    [Description("CPU and memory of each worker.")]
    public ResourcesSpec Resources { get; init; } = ResourcesSpec.Of(cpu: "100m", memory: "192Mi", memoryLimit: "384Mi");
}
