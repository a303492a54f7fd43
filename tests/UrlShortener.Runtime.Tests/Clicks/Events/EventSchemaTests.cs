using System.Globalization;
using System.Text.Json.Nodes;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Events;

public sealed class EventSchemaTests
{
    [Fact]
    public void Versions_EachIsCompatibleWithTheOneBefore()
    {
        var versions = Enumerable.Range(1, UrlShortener.Runtime.Clicks.Events.ClickEvent.SchemaVersion).Select(Read).ToList();
        var files = Directory.GetFiles(SourceTree.PathOf("config", "analytics"), "click-event.v*.schema.json");

        Assert.Equal(versions.Count, files.Length);
        Assert.All(versions.Zip(versions.Skip(1)), pair => Assert.Empty(EventSchema.FindBreaks(pair.First, pair.Second)));
    }

    [Fact]
    public void FindBreaks_OptionalPropertyAndBetterWords_AreCompatible()
    {
        var changed = Read(1);
        changed["properties"]!["region"] = new JsonObject { ["type"] = "string" };
        changed["properties"]!["city"]!["description"] = "Name of the city.";

        Assert.Empty(EventSchema.FindBreaks(Read(1), changed));
    }

    [Theory]
    [InlineData("gone", "city is gone")]
    [InlineData("type", "city has another definition")]
    [InlineData("value", "device has another definition")]
    [InlineData("required", "city became required")]
    [InlineData("optional", "device is no longer required")]
    [InlineData("closed", "additionalProperties is set: events of later versions would be refused")]
    public void FindBreaks_IncompatibleChange_IsNamed(string change, string expected)
    {
        var changed = Read(1);
        var properties = changed["properties"]!.AsObject();
        var required = changed["required"]!.AsArray();
        Action apply = change switch
        {
            "gone" => () => properties.Remove("city"),
            "type" => () => properties["city"]!["type"] = "integer",
            "value" => () => properties["device"]!["enum"]!.AsArray().Add("watch"),
            "required" => () => required.Add("city"),
            "optional" => () => required.Remove(required.Single(name => (string)name! == "device")),
            _ => () => changed["additionalProperties"] = false,
        };

        apply();

        Assert.Equal([expected], EventSchema.FindBreaks(Read(1), changed));
    }

    private static JsonNode Read(int version) =>
        JsonNode.Parse(
            File.ReadAllText(SourceTree.PathOf("config", "analytics", string.Create(CultureInfo.InvariantCulture, $"click-event.v{version}.schema.json")))
        )!;
}
