using k8s.Models;
using UrlShortener.Operator.Pods;
using Xunit;

namespace UrlShortener.Operator.Tests.Pods;

/// <summary>The port that the operator asks, by what its cache keeps of a pod.</summary>
public sealed class ManagementPortTests
{
    [Fact]
    public void ManagementPortOf_PodWithThePort_IsThatPort() =>
        Assert.Equal(RuntimePod.ManagementPort, PortOf(new V1ContainerPort { Name = "http", ContainerPort = 8080 }, Management));

    // While a Deployment rolls, pods of the former version are asked too.
    [Fact]
    public void ManagementPortOf_PodOfAFormerVersion_IsThePublicPort() =>
        Assert.Equal(8080, PortOf(new V1ContainerPort { Name = "http", ContainerPort = 8080 }));

    [Fact]
    public void ManagementPortOf_PodWithoutSpec_IsThePublicPort()
    {
        var pod = new V1Pod { Metadata = new V1ObjectMeta() };
        CacheTransforms.Apply(pod);

        Assert.Equal(8080, RuntimePod.ManagementPortOf(pod));
    }

    private static V1ContainerPort Management => new() { Name = RuntimePod.ManagementPortName, ContainerPort = RuntimePod.ManagementPort };

    private static int PortOf(params V1ContainerPort[] ports)
    {
        var pod = new V1Pod
        {
            Metadata = new V1ObjectMeta(),
            Spec = new V1PodSpec { Containers = [new V1Container { Name = "sidecar" }, new V1Container { Name = "runtime", Ports = ports }] },
        };
        CacheTransforms.Apply(pod);
        return RuntimePod.ManagementPortOf(pod);
    }
}
