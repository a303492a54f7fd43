using System.Text.Json;
using System.Text.Json.Nodes;
using Cel;
using UrlShortener.Operator.Manifests;

namespace UrlShortener.Operator.Tests.Validation;

/// <summary>Evaluates the rules of a definition on an object as an API server does: with the schema's defaults, and what was there before.</summary>
internal static class CelRules
{
    private static readonly CelEnvironment Environment = NewEnvironment();

    /// <summary>The messages of the rules that a specification breaks.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="spec">The specification.</param>
    /// <param name="old">The one that it replaces; null: none.</param>
    public static IReadOnlyList<string> FindBroken(string kind, JsonObject spec, JsonObject? old)
    {
        var definition = CustomResourceDefinitions.BuildAll().Values.Single(one => (string?)one["spec"]!["names"]!["kind"] == kind);
        var schema = definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!;
        return [.. Evaluate(schema, Default(schema, spec), old is null ? null : Default(schema, old))];
    }

    private static IEnumerable<string> Evaluate(JsonNode schema, JsonNode? value, JsonNode? old)
    {
        if (value is null)
            return [];
        var broken = (schema["x-kubernetes-validations"]?.AsArray() ?? [])
            .Where(rule => IsBroken((string)rule!["rule"]!, value, old))
            .Select(rule => (string)rule!["message"]!);
        return broken.Concat(
            value switch
            {
                JsonObject item => item.SelectMany(member =>
                    SchemaOf(schema, member.Key) is { } inner ? Evaluate(inner, member.Value, (old as JsonObject)?[member.Key]) : []
                ),
                // Entries of lists have no former selves that could be told apart.
                JsonArray list => list.SelectMany(entry => Evaluate(schema["items"]!, entry, null)),
                _ => [],
            }
        );
    }

    private static bool IsBroken(string rule, JsonNode value, JsonNode? old)
    {
        // A rule about a change is not asked where there was nothing.
        if (rule.Contains("oldSelf", StringComparison.Ordinal) && old is null)
            return false;
        return !(bool)Environment.Program(rule, new Dictionary<string, object?> { ["self"] = ValueOf(value), ["oldSelf"] = ValueOf(old) })!;
    }

    private static JsonNode Default(JsonNode schema, JsonNode value)
    {
        if (value is JsonArray list)
            return new JsonArray([.. list.Select(entry => Default(schema["items"]!, entry!))]);
        if (value is not JsonObject item)
            return value.DeepClone();
        var members = new JsonObject();
        foreach (var (name, inner) in schema["properties"]?.AsObject() ?? [])
        {
            if ((item[name] ?? inner!["default"]) is { } given)
                members[name] = Default(inner!, given);
        }

        foreach (var (name, given) in item.Where(member => member.Value is not null && !members.ContainsKey(member.Key)))
            members[name] = SchemaOf(schema, name) is { } inner ? Default(inner, given!) : given!.DeepClone();
        return members;
    }

    private static JsonNode? SchemaOf(JsonNode schema, string name) => schema["properties"]?[name] ?? schema["additionalProperties"] as JsonObject;

    private static object? ValueOf(JsonNode? node) =>
        node switch
        {
            null => null,
            JsonObject item => item.ToDictionary(member => member.Key, member => ValueOf(member.Value), StringComparer.Ordinal),
            JsonArray list => list.Select(ValueOf).ToArray(),
            _ => node.GetValueKind() switch
            {
                JsonValueKind.String => node.GetValue<string>(),
                JsonValueKind.Number => node.GetValue<long>(),
                _ => (object)node.GetValue<bool>(),
            },
        };

    // Of Kubernetes' further functions, those that the rules use.
    private static CelEnvironment NewEnvironment()
    {
        var environment = new CelEnvironment(null, null);
        environment.RegisterFunction("lowerAscii", [typeof(string)], arguments => ((string)arguments[0]!).ToLowerInvariant());
        return environment;
    }
}
