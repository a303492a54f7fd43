using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>What a container asks for and may use.</summary>
internal sealed record ResourcesSpec
{
    /// <summary>Amounts that a node must have free, by name of the resource.</summary>
    [Description("Amounts that are set aside for each pod, by resource, such as cpu: 250m.")]
    [Length(0, 8)]
    public IReadOnlyDictionary<string, ResourceQuantity> Requests { get; init; } = new Dictionary<string, ResourceQuantity>();

    /// <summary>Most that a container may use, by name of the resource.</summary>
    [Description("Most that each pod may use, by resource, such as memory: 512Mi. A limit of CPU slows the pod down; better leave it out.")]
    [Length(0, 8)]
    public IReadOnlyDictionary<string, ResourceQuantity> Limits { get; init; } = new Dictionary<string, ResourceQuantity>();

    /// <summary>What the pod template takes.</summary>
    public V1ResourceRequirements ToCore() => new()
    {
        Requests = Requests.ToDictionary(StringComparer.Ordinal),
        Limits = Limits.ToDictionary(StringComparer.Ordinal),
    };

    /// <summary>Requests of CPU and memory, and a limit of memory.</summary>
    public static ResourcesSpec Of(string cpu, string memory, string memoryLimit) => new()
    {
        Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new(cpu), ["memory"] = new(memory) },
        Limits = new Dictionary<string, ResourceQuantity> { ["memory"] = new(memoryLimit) },
    };
}
