using k8s;
using k8s.Models;

namespace UrlShortener.Operator.Resources;

/// <summary>The autoscaler as servers before 1.23 know it. Its fields are those of version 2.</summary>
[KubernetesEntity(Group = "autoscaling", ApiVersion = "v2beta2", Kind = "HorizontalPodAutoscaler", PluralName = "horizontalpodautoscalers")]
internal sealed class V2Beta2HorizontalPodAutoscaler : IKubernetesObject<V1ObjectMeta>, ISpec<V2HorizontalPodAutoscalerSpec>
{
    /// <inheritdoc />
    public string ApiVersion { get; set; } = "autoscaling/v2beta2";

    /// <inheritdoc />
    public string Kind { get; set; } = "HorizontalPodAutoscaler";

    /// <inheritdoc />
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <inheritdoc />
    public V2HorizontalPodAutoscalerSpec Spec { get; set; } = new();

    /// <summary>What the autoscaler found.</summary>
    public V2HorizontalPodAutoscalerStatus? Status { get; set; }
}
