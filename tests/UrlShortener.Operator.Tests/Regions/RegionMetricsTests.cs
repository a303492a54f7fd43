using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

public sealed class RegionMetricsTests
{
    [Theory]
    [InlineData(SuspendMode.Changes, 0, true)]
    [InlineData(SuspendMode.Changes, 2, false)]
    [InlineData(SuspendMode.None, 0, false)]
    public void IsStopped_Region_OnlyWhenSuspendedAndScaledToZero(string suspend, int replicas, bool isStopped)
    {
        var region = new V1Alpha1ShortenerRegion { Spec = new RegionSpec { Suspend = suspend } };
        var observed = new ObservedRegion
        {
            Group = [region],
            Secrets = new Dictionary<string, V1Secret>(),
            Deployment = new V1Deployment { Spec = new V1DeploymentSpec { Replicas = replicas } },
        };

        Assert.Equal(isStopped, RegionMetrics.IsStopped(region, observed));
    }

    [Theory]
    // As Kubernetes' controller writes it: too few replicas are a limit too, and a scale that is paced by the behaviour is none.
    [InlineData("True", "TooManyReplicas", true)]
    [InlineData("True", "TooFewReplicas", false)]
    [InlineData("True", "ScaleUpLimit", false)]
    [InlineData("False", "DesiredWithinRange", false)]
    public void IsLimited_ConditionOfTheAutoscaler_OnlyWhenItWantsMore(string status, string reason, bool isLimited)
    {
        var autoscaler = new V2HorizontalPodAutoscaler
        {
            Status = new V2HorizontalPodAutoscalerStatus
            {
                Conditions =
                [
                    new V2HorizontalPodAutoscalerCondition
                    {
                        Type = "ScalingLimited",
                        Status = status,
                        Reason = reason,
                    },
                ],
            },
        };

        Assert.Equal(isLimited, RegionMetrics.IsLimited(autoscaler));
    }

    [Fact]
    public void IsLimited_NoAutoscalerOrNoAnswerYet_False()
    {
        Assert.False(RegionMetrics.IsLimited(null));
        Assert.False(RegionMetrics.IsLimited(new V2HorizontalPodAutoscaler()));
    }
}
