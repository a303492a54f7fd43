using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Informers;

public sealed class ObjectCacheTests
{
    private readonly ObjectCache<V1ConfigMap> _cache = new(
        new Dictionary<string, Func<V1ConfigMap, IEnumerable<string>>> { ["color"] = map => map.Data?.Values ?? [] }
    );

    [Fact]
    public void GetBy_ObjectChanged_IsFoundUnderItsNewValuesOnly()
    {
        _cache.Set(Build("a", "red"));
        _cache.Set(Build("b", "red"));
        var former = _cache.Set(Build("a", "blue"));

        Assert.Equal("red", former!.Data["color"]);
        Assert.Equal(["b"], _cache.GetBy("color", "red").Select(map => map.Metadata.Name));
        Assert.Equal(["a"], _cache.GetBy("color", "blue").Select(map => map.Metadata.Name));
    }

    [Fact]
    public void Remove_LastOfAValue_IndexHoldsNothing()
    {
        _cache.Set(Build("a", "red"));

        _cache.Remove(new ObjectKey("space", "a"));

        Assert.Empty(_cache.GetBy("color", "red"));
        Assert.Equal(0, _cache.Count);
    }

    private static V1ConfigMap Build(string name, string color) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "space" },
            Data = new Dictionary<string, string> { ["color"] = color },
        };
}
