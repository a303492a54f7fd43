using System.Text.Json.Nodes;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Manifests;

/// <summary>The schema of a condition, with the limits that apimachinery gives metav1.Condition.</summary>
internal static class ConditionSchema
{
    /// <summary>A new copy of it.</summary>
    public static JsonObject Build() =>
        new()
        {
            ["type"] = "object",
            ["required"] = new JsonArray("lastTransitionTime", "message", "reason", "status", "type"),
            ["properties"] = new JsonObject
            {
                ["type"] = Text(
                    "Type of the condition.",
                    1,
                    316,
                    "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
                ),
                ["status"] = new JsonObject
                {
                    ["description"] = "Status of the condition: True, False or Unknown.",
                    ["type"] = "string",
                    ["maxLength"] = 7,
                    ["enum"] = new JsonArray("True", "False", "Unknown"),
                },
                ["reason"] = Text("Reason of the status, as one word for programs.", 1, 1_024, "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"),
                ["message"] = Text("Reason of the status, as sentences for people.", 0, 32_768, null),
                ["lastTransitionTime"] = new JsonObject
                {
                    ["description"] = "Time at which the status last changed.",
                    ["type"] = "string",
                    ["format"] = "date-time",
                    ["maxLength"] = 64,
                    ["pattern"] = Patterns.Time,
                },
                ["observedGeneration"] = new JsonObject
                {
                    ["description"] = "Generation of the specification that the condition describes.",
                    ["type"] = "integer",
                    ["format"] = "int64",
                    ["minimum"] = 0,
                },
            },
        };

    private static JsonObject Text(string description, int minLength, int maxLength, string? pattern)
    {
        var schema = new JsonObject { ["description"] = description, ["type"] = "string" };
        if (minLength > 0)
            schema["minLength"] = minLength;
        schema["maxLength"] = maxLength;
        if (pattern is not null)
            schema["pattern"] = pattern;
        return schema;
    }
}
