using k8s;
using k8s.Models;

namespace UrlShortener.Operator.Resources;

/// <summary>The disruption budget as servers before 1.21 know it. Its fields are those of version 1.</summary>
[KubernetesEntity(Group = "policy", ApiVersion = "v1beta1", Kind = "PodDisruptionBudget", PluralName = "poddisruptionbudgets")]
internal sealed class V1Beta1PodDisruptionBudget : IKubernetesObject<V1ObjectMeta>, ISpec<V1PodDisruptionBudgetSpec>
{
    /// <inheritdoc />
    public string ApiVersion { get; set; } = "policy/v1beta1";

    /// <inheritdoc />
    public string Kind { get; set; } = "PodDisruptionBudget";

    /// <inheritdoc />
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <inheritdoc />
    public V1PodDisruptionBudgetSpec Spec { get; set; } = new();
}
