using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Spreads pods over one kind of topology domain. The operator adds the selector of its pods.</summary>
internal sealed record SpreadConstraint
{
    /// <summary>Pods.</summary>
    [Description("Maximum difference between the numbers of pods in two domains.")]
    [Range(1, 100)]
    public int MaxSkew { get; init; } = 1;

    /// <summary>Node label.</summary>
    [Description("Node label whose values are the domains, such as topology.kubernetes.io/zone.")]
    [Required]
    [Length(1, 316)]
    public string TopologyKey { get; init; } = "";

    /// <summary>What the scheduler does with a pod that would exceed the skew.</summary>
    [Description(
        "What the scheduler does with a pod that would exceed maxSkew. ScheduleAnyway: it places the pod anyway. DoNotSchedule: the pod stays pending."
    )]
    [OneOf("ScheduleAnyway", "DoNotSchedule")]
    public string WhenUnsatisfiable { get; init; } = "ScheduleAnyway";

    /// <summary>The form that a pod template uses.</summary>
    /// <param name="podLabels">Labels of the pods to count.</param>
    public V1TopologySpreadConstraint ToCore(IDictionary<string, string> podLabels) =>
        new()
        {
            MaxSkew = MaxSkew,
            TopologyKey = TopologyKey,
            WhenUnsatisfiable = WhenUnsatisfiable,
            LabelSelector = new V1LabelSelector { MatchLabels = podLabels },
            // Counts only pods of the same specification: those that a rollout is about to stop would leave the rest uneven.
            MatchLabelKeys = ["pod-template-hash"],
            // A lost or cordoned node is not a domain: with DoNotSchedule, replacements of its pods would stay pending.
            NodeTaintsPolicy = "Honor",
        };
}
