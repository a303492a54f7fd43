using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>CPU and memory of a container.</summary>
internal sealed record ResourcesSpec
{
    /// <summary>Amounts that the scheduler reserves, by name of the resource.</summary>
    [Description("Amounts that the scheduler reserves for each pod, by resource, such as cpu: 250m.")]
    [Length(0, 8)]
    public IReadOnlyDictionary<string, ResourceQuantity> Requests { get; init; } = new Dictionary<string, ResourceQuantity>();

    /// <summary>Upper limits, by name of the resource.</summary>
    [Description("Maximum that each pod may use, by resource, such as memory: 512Mi. A CPU limit throttles the pod; prefer to omit it.")]
    [Length(0, 8)]
    public IReadOnlyDictionary<string, ResourceQuantity> Limits { get; init; } = new Dictionary<string, ResourceQuantity>();

    /// <summary>The form that a pod template uses.</summary>
    public V1ResourceRequirements ToCore() =>
        new() { Requests = Requests.ToDictionary(StringComparer.Ordinal), Limits = Limits.ToDictionary(StringComparer.Ordinal) };

    /// <summary>Requests for CPU and memory, and a memory limit.</summary>
    public static ResourcesSpec Of(string cpu, string memory, string memoryLimit) =>
        new()
        {
            Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new(cpu), ["memory"] = new(memory) },
            Limits = new Dictionary<string, ResourceQuantity> { ["memory"] = new(memoryLimit) },
        };
}
