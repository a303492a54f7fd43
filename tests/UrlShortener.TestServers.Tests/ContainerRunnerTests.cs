using UrlShortener.TestServers.Kubernetes.Kubelet;
using Xunit;

namespace UrlShortener.TestServers.Tests;

/// <summary>How often the kubelet of the tests asks.</summary>
public sealed class ContainerRunnerTests
{
    [Fact]
    public void Lengthen_AgainAndAgain_StaysAtAPeriod()
    {
        var (pause, period) = (TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(3));
        for (var question = 0; question < 10_000; question++)
            pause = ContainerRunner.Lengthen(pause, period);

        Assert.InRange(pause, period, 1.5 * period);
    }
}
