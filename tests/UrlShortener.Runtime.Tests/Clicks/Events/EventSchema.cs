using System.Text.Json.Nodes;

namespace UrlShortener.Runtime.Tests.Clicks.Events;

/// <summary>Compares versions of the schema of events.</summary>
internal static class EventSchema
{
    // Words for people, which may be written better.
    private static readonly string[] Prose = ["title", "description"];

    /// <summary>
    /// What of a new version would break a program: one that reads events by the old version and gets those of the new one, or the other way round, since old
    /// events are still in the topic.
    /// </summary>
    public static IEnumerable<string> FindBreaks(JsonNode old, JsonNode changed)
    {
        if (changed["additionalProperties"] is not null)
            yield return "additionalProperties is set: events of later versions would be refused";
        var (before, after) = (RequiredOf(old), RequiredOf(changed));
        foreach (var name in before.Except(after))
            yield return $"{name} is no longer required";
        foreach (var name in after.Except(before))
            yield return $"{name} became required";
        var properties = changed["properties"]!.AsObject();
        foreach (var (name, definition) in old["properties"]!.AsObject())
        {
            if (properties[name] is not { } now)
                yield return $"{name} is gone";
            else if (!JsonNode.DeepEquals(WithoutProse(definition!), WithoutProse(now)))
                yield return $"{name} has another definition";
        }
    }

    private static HashSet<string> RequiredOf(JsonNode schema) => [.. schema["required"]!.AsArray().Select(name => (string)name!)];

    private static JsonObject WithoutProse(JsonNode definition)
    {
        var bare = definition.DeepClone().AsObject();
        foreach (var word in Prose)
            bare.Remove(word);
        return bare;
    }
}
