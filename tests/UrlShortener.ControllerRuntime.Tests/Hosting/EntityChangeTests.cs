using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Hosting;

public sealed class EntityChangeTests
{
    public static TheoryData<string, bool> Changes =>
        new()
        {
            { "status", false },
            { "spec", true },
            { "labels", true },
            { "annotations", true },
            { "finalizers", true },
            { "deletion", true },
            { "resync", true },
        };

    [Theory]
    [MemberData(nameof(Changes))]
    public void IsRelevant_ChangeOfAnObjectWithGenerations_AllButTheStatus(string what, bool expected)
    {
        var (old, current) = (Build("1"), what == "resync" ? null : Build("2"));
        switch (what)
        {
            case "spec":
                current!.Metadata.Generation = 2;
                break;
            case "labels":
                current!.Metadata.Labels = new Dictionary<string, string> { ["a"] = "b" };
                break;
            case "annotations":
                current!.Metadata.Annotations = new Dictionary<string, string> { ["a"] = "b" };
                break;
            case "finalizers":
                current!.Metadata.Finalizers = ["a/b"];
                break;
            case "deletion":
                current!.Metadata.DeletionTimestamp = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
                break;
        }

        Assert.Equal(expected, EntityChange.IsRelevant(new ObjectChange<V1Deployment>(old, current ?? old)));
    }

    [Fact]
    public void IsRelevant_KindWithoutGenerations_EveryChange()
    {
        var old = new V1ConfigMap
        {
            Metadata = new V1ObjectMeta { Name = "a", ResourceVersion = "1" },
        };
        var current = new V1ConfigMap
        {
            Metadata = new V1ObjectMeta { Name = "a", ResourceVersion = "2" },
        };

        Assert.True(EntityChange.IsRelevant(new ObjectChange<V1ConfigMap>(old, current)));
    }

    [Theory]
    [InlineData("apps/v1", "Deployment", true, "owner")]
    [InlineData("apps/v1beta1", "Deployment", true, "owner")]
    [InlineData("apps/v1", "Deployment", false, null)]
    [InlineData("extensions/v1", "Deployment", true, null)]
    [InlineData("apps/v1", "StatefulSet", true, null)]
    public void FindController_OwnerReference_ControllerOfTheKindOnly(string apiVersion, string kind, bool isController, string? expected)
    {
        var reference = new V1OwnerReference
        {
            ApiVersion = apiVersion,
            Kind = kind,
            Name = "owner",
            Uid = "1",
            Controller = isController,
        };
        var owned = new V1ConfigMap
        {
            Metadata = new V1ObjectMeta
            {
                Name = "a",
                NamespaceProperty = "space",
                OwnerReferences = [reference],
            },
        };

        Assert.Equal(expected is null ? null : new ObjectKey("space", expected), EntityChange.FindController<V1Deployment>(owned));
    }

    private static V1Deployment Build(string version) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = "a",
                Generation = 1,
                ResourceVersion = version,
            },
        };
}
