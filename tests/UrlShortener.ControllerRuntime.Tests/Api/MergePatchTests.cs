using System.Text.Json.Nodes;
using FsCheck.Xunit;
using UrlShortener.ControllerRuntime.Api;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Api;

public sealed class MergePatchTests
{
    [Property]
    public void Between_Applied_MakesTheOneOfTheOther(byte[] from, byte[] to)
    {
        var (before, after) = (Build(from), Build(to));

        var patch = MergePatch.Between(before, after);

        Assert.Equal(JsonNode.DeepEquals(before, after), patch is null);
        Assert.True(JsonNode.DeepEquals(after, Apply(before, patch)));
    }

    [Fact]
    public void Between_OneFieldDiffers_HoldsThatAlone()
    {
        var before = JsonNode.Parse("""{"a":{"b":1,"c":[1,2]},"d":"x"}""")!.AsObject();
        var after = JsonNode.Parse("""{"a":{"b":1,"c":[1]},"e":true}""")!.AsObject();

        Assert.Equal("""{"d":null,"a":{"c":[1]},"e":true}""", MergePatch.Between(before, after)!.ToJsonString());
    }

    /// <summary>Each byte sets a value at one of some paths, so that two objects share many of them.</summary>
    private static JsonObject Build(byte[] steps)
    {
        var root = new JsonObject();
        foreach (var step in steps)
        {
            var place = step % 3 == 0 ? root : root[$"inner{step % 3}"] as JsonObject ?? [];
            if (place.Parent is null && place != root)
                root[$"inner{step % 3}"] = place;
            place[$"field{step / 3 % 4}"] = step % 5 == 0 ? new JsonArray(step % 7, "x") : JsonValue.Create(step % 4);
        }

        return root;
    }

    /// <summary>RFC 7396, section 2.</summary>
    private static JsonObject Apply(JsonObject target, JsonObject? patch)
    {
        var result = target.DeepClone().AsObject();
        foreach (var (name, value) in patch ?? [])
        {
            if (value is null)
                result.Remove(name);
            else if (value is JsonObject inner)
                result[name] = Apply(result[name] as JsonObject ?? [], inner);
            else
                result[name] = value.DeepClone();
        }

        return result;
    }
}
