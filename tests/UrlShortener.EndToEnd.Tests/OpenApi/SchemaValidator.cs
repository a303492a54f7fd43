using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace UrlShortener.EndToEnd.Tests.OpenApi;

/// <summary>
/// JSON Schema 2020-12 for the schemas of an OpenAPI document. A keyword, format or reference that is not known throws: a schema is checked as a whole or the
/// test fails.
/// </summary>
internal sealed class SchemaValidator(JsonElement document)
{
    private const string Components = "#/components/schemas/";

    private static readonly EvaluationOptions Options = new() { OutputFormat = OutputFormat.List, RequireFormatValidation = true };

    private readonly ConcurrentDictionary<string, JsonSchema> _schemas = new();

    static SchemaValidator()
    {
        // OpenAPI's own formats. A file is not JSON: what describes one as binary says what its content type does.
        FormatRegistry.Global.Register(new PredicateFormat("binary", _ => true));
        FormatRegistry.Global.Register(new PredicateFormat("int32", value => value.ValueKind != JsonValueKind.Number || value.TryGetInt32(out _)));
        FormatRegistry.Global.Register(new PredicateFormat("int64", value => value.ValueKind != JsonValueKind.Number || value.TryGetInt64(out _)));
        FormatRegistry.Global.Register(
            new PredicateFormat("double", value => value.ValueKind != JsonValueKind.Number || (value.TryGetDouble(out var number) && double.IsFinite(number)))
        );
    }

    /// <summary>What is wrong with a value; empty when it matches.</summary>
    public IReadOnlyList<string> Validate(JsonElement schema, JsonElement value)
    {
        var results = _schemas.GetOrAdd(schema.GetRawText(), _ => Build(schema)).Evaluate(value, Options);
        if (results.IsValid)
            return [];
        return
        [
            $"{value.GetRawText()} does not match",
            .. from detail in results.Details ?? []
            from error in detail.Errors ?? new Dictionary<string, string>()
            select $"{detail.InstanceLocation}: {error.Value} ({detail.EvaluationPath})",
        ];
    }

    /// <summary>Throws unless every keyword of a schema, and of those inside it, is one that <see cref="Validate"/> checks.</summary>
    public void RequireSupport(JsonElement schema) => _schemas.GetOrAdd(schema.GetRawText(), _ => Build(schema));

    // A schema of its own that has the document's as definitions, so that references find them.
    private JsonSchema Build(JsonElement schema)
    {
        RequireKnown(schema);
        var root = JsonObject.Create(schema)!;
        root["$defs"] = JsonObject.Create(document.GetProperty("components").GetProperty("schemas"));
        var text = root.ToJsonString().Replace($"\"{Components}", "\"#/$defs/", StringComparison.Ordinal);
        return JsonSchema.FromText(text);
    }

    // The library throws on unknown keywords, but lets formats pass that it does not know, and looks for what a reference names when a value first needs it.
    private void RequireKnown(JsonElement schema)
    {
        if (schema.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in schema.EnumerateArray())
                RequireKnown(item);
        }
        else if (schema.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in schema.EnumerateObject())
            {
                if (
                    member.Name == "format"
                    && member.Value.ValueKind == JsonValueKind.String
                    && FormatRegistry.Global.Get(member.Value.GetString()!) is UnknownFormat
                )
                    throw new JsonSchemaException($"The format {member.Value} is not known.");
                if (member.Name == "$ref" && member.Value.ValueKind == JsonValueKind.String && !IsComponent(member.Value.GetString()!))
                    throw new JsonSchemaException($"The reference {member.Value} leads to no schema of the document.");
                RequireKnown(member.Value);
            }
        }
    }

    private bool IsComponent(string reference) =>
        reference.StartsWith(Components, StringComparison.Ordinal)
        && document.GetProperty("components").GetProperty("schemas").TryGetProperty(reference[Components.Length..], out _);
}
