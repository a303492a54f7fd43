using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Regions;

/// <summary>Builds the objects of a region's app. Pure; each object has only the fields that the operator owns.</summary>
internal static class AppResources
{
    // Maximum share of the pods that evictions may make unavailable.
    private const string MostUnavailable = "25%";

    private const int ScaleDownSeconds = 300;
    private const int ScaleUpSeconds = 15;

    /// <summary>The service account of all pods of a region, without rights and without a mounted token.</summary>
    public static V1ServiceAccount BuildServiceAccount(V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Owned.Metadata(region, "runtime", Names.App), AutomountServiceAccountToken = false };

    /// <summary>The plain settings of all pods of a region.</summary>
    public static V1ConfigMap BuildSettings(V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Owned.Metadata(region, "settings", Names.App), Data = new Dictionary<string, string>(RuntimeEnvironment.Plain(region)) };

    /// <summary>The Deployment, without replicas: the autoscaler owns them.</summary>
    /// <param name="region">The region.</param>
    /// <param name="process">The process in its pods.</param>
    /// <param name="migrationDigest">The migration that it needs.</param>
    public static V1Deployment BuildDeployment(V1Alpha1ShortenerRegion region, RuntimeProcess process, string migrationDigest)
    {
        var metadata = Owned.Metadata(region, Names.App, Names.App);
        metadata.Labels = Labels.WithVersion(metadata.Labels, process.Image);
        metadata.Annotations = new Dictionary<string, string> { [Labels.MigrationDigest] = migrationDigest };
        return new V1Deployment { Metadata = metadata, Spec = Workload.BuildDeployment(SelectorOf(region), RuntimePod.Build(region, process)) };
    }

    /// <summary>The Service in front of the pods.</summary>
    public static V1Service BuildService(V1Alpha1ShortenerRegion region)
    {
        var service = region.Spec.App.Service;
        var metadata = Owned.Metadata(region, Names.App, Names.App);
        if (service.Annotations.Count > 0)
            metadata.Annotations = new Dictionary<string, string>(service.Annotations);
        return new V1Service { Metadata = metadata, Spec = Workload.BuildService(SelectorOf(region), service.Type, service.Port) };
    }

    /// <summary>The autoscaler; its minimum depends on the region's role.</summary>
    public static V2HorizontalPodAutoscaler BuildAutoscaler(V1Alpha1ShortenerRegion region, int floor) =>
        new()
        {
            Metadata = Owned.Metadata(region, Names.App, Names.App),
            Spec = new V2HorizontalPodAutoscalerSpec
            {
                ScaleTargetRef = new V2CrossVersionObjectReference
                {
                    ApiVersion = "apps/v1",
                    Kind = V1Deployment.KubeKind,
                    Name = Names.Of(region.Metadata.Name, Names.App),
                },
                MinReplicas = floor,
                MaxReplicas = region.Spec.App.MaxReplicas,
                Metrics =
                [
                    new V2MetricSpec
                    {
                        Type = "Resource",
                        Resource = new V2ResourceMetricSource
                        {
                            Name = "cpu",
                            Target = new V2MetricTarget { Type = "Utilization", AverageUtilization = region.Spec.App.TargetCPUUtilization },
                        },
                    },
                ],
                Behavior = new V2HorizontalPodAutoscalerBehavior
                {
                    ScaleUp = new V2HPAScalingRules
                    {
                        StabilizationWindowSeconds = 0,
                        SelectPolicy = "Max",
                        Policies =
                        [
                            new V2HPAScalingPolicy
                            {
                                Type = "Percent",
                                Value = 100,
                                PeriodSeconds = ScaleUpSeconds,
                            },
                        ],
                    },
                    ScaleDown = new V2HPAScalingRules
                    {
                        StabilizationWindowSeconds = ScaleDownSeconds,
                        SelectPolicy = "Max",
                        Policies =
                        [
                            new V2HPAScalingPolicy
                            {
                                Type = "Percent",
                                Value = 10,
                                PeriodSeconds = 60,
                            },
                        ],
                    },
                },
            },
        };

    /// <summary>Limits how many pods a drain of nodes evicts at once.</summary>
    public static V1PodDisruptionBudget BuildDisruptionBudget(V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Owned.Metadata(region, Names.App, Names.App), Spec = Workload.BuildDisruptionBudget(SelectorOf(region), MostUnavailable) };

    /// <summary>Admits everyone to the app's public port, and the operator and Prometheus to the management port.</summary>
    public static V1NetworkPolicy BuildNetworkPolicy(V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Owned.Metadata(region, Names.App, Names.App), Spec = Workload.BuildNetworkPolicy(SelectorOf(region), isPublic: true) };

    private static Dictionary<string, string> SelectorOf(V1Alpha1ShortenerRegion region) => Labels.SelectorOf(region.Metadata.Name, Names.App);
}
