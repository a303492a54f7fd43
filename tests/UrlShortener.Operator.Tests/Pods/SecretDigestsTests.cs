using System.Text;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Pods;
using Xunit;

namespace UrlShortener.Operator.Tests.Pods;

public sealed class SecretDigestsTests
{
    /// <summary><c>kubectl apply</c> stores the whole Secret in an annotation.</summary>
    [Fact]
    public void Apply_Secret_LeavesNoValueAnywhere()
    {
        var secret = new V1Secret
        {
            Metadata = new V1ObjectMeta
            {
                Name = "postgres",
                Annotations = new Dictionary<string, string>
                {
                    ["kubectl.kubernetes.io/last-applied-configuration"] = $$$"""{"data":{"a":"{{{Convert.ToBase64String("hunter2"u8)}}}"}}""",
                },
            },
            Data = new Dictionary<string, byte[]> { ["a"] = Encoding.UTF8.GetBytes("hunter2"), ["empty"] = [] },
            StringData = new Dictionary<string, string> { ["a"] = "hunter2" },
        };

        SecretDigests.Apply(secret);

        var cached = KubernetesJson.Serialize(secret);
        Assert.DoesNotContain("hunter2", cached, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String("hunter2"u8), cached, StringComparison.Ordinal);
        Assert.Equal(["a", "empty"], secret.Data.Keys);
    }
}
