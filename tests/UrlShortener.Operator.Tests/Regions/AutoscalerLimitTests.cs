using k8s.Models;
using UrlShortener.Operator.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

public sealed class AutoscalerLimitTests
{
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
