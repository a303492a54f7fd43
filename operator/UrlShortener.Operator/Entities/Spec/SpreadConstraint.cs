using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>How the pods are spread over one kind of place. The operator adds the selector of its pods.</summary>
internal sealed record SpreadConstraint
{
    /// <summary>Pods.</summary>
    [Description("Most pods that one place may have more than another.")]
    [Range(1, 100)]
    public int MaxSkew { get; init; } = 1;

    /// <summary>Label of nodes.</summary>
    [Description("Label of nodes whose values are the places, such as topology.kubernetes.io/zone.")]
    [Required]
    [Length(1, 316)]
    public string TopologyKey { get; init; } = "";

    /// <summary>What happens to a pod that would break it.</summary>
    [Description("What becomes of a pod that cannot be placed evenly: ScheduleAnyway runs it nevertheless, DoNotSchedule lets it wait.")]
    [OneOf("ScheduleAnyway", "DoNotSchedule")]
    public string WhenUnsatisfiable { get; init; } = "ScheduleAnyway";

    /// <summary>What the pod template takes.</summary>
    /// <param name="podLabels">Labels of the pods that are counted.</param>
    public V1TopologySpreadConstraint ToCore(IDictionary<string, string> podLabels) => new()
    {
        MaxSkew = MaxSkew,
        TopologyKey = TopologyKey,
        WhenUnsatisfiable = WhenUnsatisfiable,
        LabelSelector = new V1LabelSelector { MatchLabels = podLabels },
    };
}
