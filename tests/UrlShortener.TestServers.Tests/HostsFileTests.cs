using k8s.Models;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using Xunit;

namespace UrlShortener.TestServers.Tests;

public sealed class HostsFileTests
{
    private static readonly V1Service Headless = Service("redis", "None");
    private static readonly V1Pod Own = Pod("app-0", "a", "127.1.0.1", "app", "app");

    [Fact]
    public void Build_PodOfAHeadlessService_HasAllItsNames() =>
        Assert.Equal(
            "127.1.0.2 redis-0.redis redis-0.redis.a redis-0.redis.a.svc redis-0.redis.a.svc.cluster.local\n"
                + "127.1.0.2 redis redis.a redis.a.svc redis.a.svc.cluster.local\n",
            Rest(Build([Pod("redis-0", "a", "127.1.0.2")], [Headless]))
        );

    [Fact]
    public void Build_PodOfAnotherNamespace_HasNoShortNames()
    {
        var service = Service("redis", "None");
        service.Metadata.NamespaceProperty = "b";

        Assert.StartsWith(
            "127.1.0.2 redis-0.redis.b redis-0.redis.b.svc ",
            Rest(Build([Pod("redis-0", "b", "127.1.0.2")], [service])),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Build_PodThatIsNotReady_IsThereWhenTheServicePublishesIt(bool isPublished)
    {
        var service = Service("redis", "None");
        service.Spec.PublishNotReadyAddresses = isPublished;

        Assert.Equal(isPublished, Rest(Build([Pod("redis-0", "a", "127.1.0.2", ready: false)], [service])).Length > 0);
    }

    [Fact]
    public void Build_ServiceWithAClusterAddress_HasTheAddressesOfItsPodsAndNamesNone() =>
        Assert.Equal(
            "127.1.0.2 redis redis.a redis.a.svc redis.a.svc.cluster.local\n127.1.0.3 redis redis.a redis.a.svc redis.a.svc.cluster.local\n",
            Rest(Build([Pod("redis-0", "a", "127.1.0.2"), Pod("redis-1", "a", "127.1.0.3")], [Service("redis", "10.96.0.7")]))
        );

    [Fact]
    public void Build_PodThatEndedOrHasOtherLabels_IsNotThere()
    {
        var ended = Pod("redis-0", "a", "127.1.0.2");
        ended.Status.Phase = "Failed";

        Assert.Empty(Rest(Build([ended, Pod("other-0", "a", "127.1.0.3", "other", "other")], [Headless])));
    }

    private static string Build(IEnumerable<V1Pod> pods, IEnumerable<V1Service> services) => HostsFile.Build(Own, "127.1.0.1", pods, services);

    /// <summary>Without the pod's own names, which are always there.</summary>
    private static string Rest(string text)
    {
        const string Start = "127.0.0.1 localhost\n::1 localhost\n127.1.0.1 app-0\n";
        Assert.StartsWith(Start, text, StringComparison.Ordinal);
        return text[Start.Length..];
    }

    private static V1Service Service(string name, string address) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "a" },
            Spec = new V1ServiceSpec
            {
                ClusterIP = address,
                Selector = new Dictionary<string, string> { ["app"] = name },
            },
        };

    private static V1Pod Pod(string name, string space, string address, string label = "redis", string subdomain = "redis", bool ready = true) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = space,
                Labels = new Dictionary<string, string> { ["app"] = label },
            },
            Spec = new V1PodSpec { Hostname = name, Subdomain = subdomain },
            Status = new V1PodStatus
            {
                Phase = "Running",
                PodIP = address,
                Conditions = [new V1PodCondition { Type = "Ready", Status = ready ? "True" : "False" }],
            },
        };
}
