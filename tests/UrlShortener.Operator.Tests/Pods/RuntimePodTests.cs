using UrlShortener.Operator.Pods;
using Xunit;

namespace UrlShortener.Operator.Tests.Pods;

public sealed class RuntimePodTests
{
    /// <summary>After the first attempt Kubernetes' namespace controller waits for half the grace period of the longest-lived pod, and a second.</summary>
    [Fact]
    public void TerminationTime_CoversTheProcess_AndLetsANamespaceEndInAMinute()
    {
        var stop = RuntimeEnvironment.DrainDelay + RuntimeEnvironment.StopLimit;
        Assert.True(stop + TimeSpan.FromSeconds(5) <= TimeSpan.FromSeconds(RuntimePod.TerminationSeconds));

        // A pod that is killed ends right after the second attempt, so that the third one finds none.
        var step = (RuntimePod.TerminationSeconds / 2) + 1;
        Assert.InRange(3 * step, RuntimePod.TerminationSeconds + 5, 58);
    }
}
