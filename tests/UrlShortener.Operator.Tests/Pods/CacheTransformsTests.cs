using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Pods;
using Xunit;

namespace UrlShortener.Operator.Tests.Pods;

/// <summary>What the cache keeps of an object.</summary>
public sealed class CacheTransformsTests
{
    [Fact]
    public void Apply_PodWithAnnotations_KeepsTheProductsOwn()
    {
        var pod = new V1Pod
        {
            Metadata = new V1ObjectMeta
            {
                Annotations = new Dictionary<string, string>
                {
                    [Labels.Volume] = "1/100",
                    [Labels.WriteGuard] = "{}",
                    ["kubectl.kubernetes.io/last-applied-configuration"] = "{}",
                },
            },
        };

        CacheTransforms.Apply(pod);

        Assert.Equal(new Dictionary<string, string> { [Labels.Volume] = "1/100", [Labels.WriteGuard] = "{}" }, pod.Metadata.Annotations);
    }
}
