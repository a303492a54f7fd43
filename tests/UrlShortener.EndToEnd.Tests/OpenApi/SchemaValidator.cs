using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace UrlShortener.EndToEnd.Tests.OpenApi;

/// <summary>
/// The part of JSON Schema 2020-12 that the product's document uses. A keyword or format that is not known here throws: a schema is checked as a whole or the
/// test fails.
/// </summary>
internal sealed partial class SchemaValidator(JsonElement document)
{
    private static readonly HashSet<string> Annotations = ["$comment", "default", "deprecated", "description", "example", "examples", "title"];

    private static readonly JsonElement Null = JsonElement.Parse("null");

    /// <summary>What is wrong with a value; empty when it matches.</summary>
    public IReadOnlyList<string> Validate(JsonElement schema, JsonElement value)
    {
        var problems = new List<string>();
        Check(schema, value, "$", problems);
        return problems;
    }

    /// <summary>Throws unless every keyword of a schema, and of those inside it, is one that <see cref="Validate"/> checks.</summary>
    public void RequireSupport(JsonElement schema)
    {
        // Each keyword is judged before its value is, so that any value will do; those inside are visited by hand.
        foreach (var keyword in schema.EnumerateObject())
        {
            if (keyword.Name is "properties" or "oneOf" or "anyOf" or "allOf")
            {
                foreach (
                    var inner in keyword.Name == "properties" ? keyword.Value.EnumerateObject().Select(member => member.Value) : keyword.Value.EnumerateArray()
                )
                    RequireSupport(inner);
            }
            else if (keyword.Name is "items" or "not" || (keyword.Name == "additionalProperties" && keyword.Value.ValueKind == JsonValueKind.Object))
            {
                RequireSupport(keyword.Value);
            }
            else if (keyword.Name == "$ref")
            {
                Resolve(keyword.Value.GetString()!);
            }
            else
            {
                CheckKeyword(schema, keyword, Null, "$", []);
            }
        }
    }

    private void Check(JsonElement schema, JsonElement value, string path, List<string> problems)
    {
        foreach (var keyword in schema.EnumerateObject())
            CheckKeyword(schema, keyword, value, path, problems);
    }

    private void CheckKeyword(JsonElement schema, JsonProperty keyword, JsonElement value, string path, List<string> problems)
    {
        var isText = value.ValueKind == JsonValueKind.String;
        var isNumber = value.ValueKind == JsonValueKind.Number;
        switch (keyword.Name)
        {
            case "$ref":
                Check(Resolve(keyword.Value.GetString()!), value, path, problems);
                break;
            case "type":
                var types =
                    keyword.Value.ValueKind == JsonValueKind.Array
                        ? [.. keyword.Value.EnumerateArray().Select(type => type.GetString()!)]
                        : new[] { keyword.Value.GetString()! };
                if (!types.Any(type => HasType(value, type)))
                    problems.Add($"{path} is {value.ValueKind}, not {string.Join(" or ", types)}");
                break;
            case "enum":
                if (!keyword.Value.EnumerateArray().Any(allowed => JsonElement.DeepEquals(allowed, value)))
                    problems.Add($"{path} is {value}, not one of {keyword.Value}");
                break;
            case "required":
                if (value.ValueKind == JsonValueKind.Object)
                    problems.AddRange(
                        keyword.Value.EnumerateArray().Where(name => !value.TryGetProperty(name.GetString()!, out _)).Select(name => $"{path} lacks {name}")
                    );
                break;
            case "properties":
                if (value.ValueKind != JsonValueKind.Object)
                    break;
                foreach (var member in keyword.Value.EnumerateObject())
                {
                    if (value.TryGetProperty(member.Name, out var inner))
                        Check(member.Value, inner, $"{path}.{member.Name}", problems);
                }

                break;
            case "additionalProperties":
                if (value.ValueKind != JsonValueKind.Object || keyword.Value.ValueKind == JsonValueKind.True)
                    break;
                foreach (
                    var member in value
                        .EnumerateObject()
                        .Where(member => !(schema.TryGetProperty("properties", out var known) && known.TryGetProperty(member.Name, out _)))
                )
                {
                    if (keyword.Value.ValueKind == JsonValueKind.False)
                        problems.Add($"{path} has {member.Name}, which is not described");
                    else
                        Check(keyword.Value, member.Value, $"{path}.{member.Name}", problems);
                }

                break;
            case "items":
                if (value.ValueKind != JsonValueKind.Array)
                    break;
                foreach (var (index, item) in value.EnumerateArray().Index())
                    Check(keyword.Value, item, $"{path}[{index}]", problems);
                break;
            case "allOf":
                foreach (var part in keyword.Value.EnumerateArray())
                    Check(part, value, path, problems);
                break;
            case "anyOf" or "oneOf":
                var matches = keyword.Value.EnumerateArray().Count(part => Validate(part, value).Count == 0);
                if (matches == 0 || (keyword.Name == "oneOf" && matches > 1))
                    problems.Add($"{path} matches {matches} schemas of {keyword.Name}");
                break;
            case "not":
                if (Validate(keyword.Value, value).Count == 0)
                    problems.Add($"{path} matches {keyword.Value}");
                break;
            case "pattern":
                if (isText && !Regex.IsMatch(value.GetString()!, keyword.Value.GetString()!, RegexOptions.CultureInvariant))
                    problems.Add($"{path} is {value}, which does not match {keyword.Value}");
                break;
            case "minimum":
                if (isNumber && value.GetDecimal() < keyword.Value.GetDecimal())
                    problems.Add($"{path} is {value}, below {keyword.Value}");
                break;
            case "maximum":
                if (isNumber && value.GetDecimal() > keyword.Value.GetDecimal())
                    problems.Add($"{path} is {value}, above {keyword.Value}");
                break;
            case "minItems":
                if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() < keyword.Value.GetInt32())
                    problems.Add($"{path} has fewer than {keyword.Value} items");
                break;
            case "maxItems":
                if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > keyword.Value.GetInt32())
                    problems.Add($"{path} has more than {keyword.Value} items");
                break;
            // Characters are code points there.
            case "minLength":
                if (isText && value.GetString()!.EnumerateRunes().Count() < keyword.Value.GetInt32())
                    problems.Add($"{path} is shorter than {keyword.Value}");
                break;
            case "maxLength":
                if (isText && value.GetString()!.EnumerateRunes().Count() > keyword.Value.GetInt32())
                    problems.Add($"{path} is longer than {keyword.Value}");
                break;
            case "format":
                if (!HasFormat(value, keyword.Value.GetString()!))
                    problems.Add($"{path} is {value}, not a {keyword.Value}");
                break;
            default:
                if (!Annotations.Contains(keyword.Name))
                    throw new NotSupportedException($"The schema keyword \"{keyword.Name}\" is not checked. Teach {nameof(SchemaValidator)} what it means.");
                break;
        }
    }

    private JsonElement Resolve(string reference)
    {
        if (!reference.StartsWith("#/", StringComparison.Ordinal))
            throw new NotSupportedException($"The reference {reference} leads out of the document.");
        return reference[2..]
            .Split('/')
            .Aggregate(
                document,
                (place, name) => place.GetProperty(name.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))
            );
    }

    private static bool HasType(JsonElement value, string type) =>
        type switch
        {
            "null" => value.ValueKind == JsonValueKind.Null,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "string" => value.ValueKind == JsonValueKind.String,
            "number" => value.ValueKind == JsonValueKind.Number,
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && decimal.IsInteger(number),
            _ => throw new NotSupportedException($"The type {type} is none of JSON Schema's."),
        };

    // A format says nothing about values of other types.
    private static bool HasFormat(JsonElement value, string format) =>
        format switch
        {
            "date-time" => value.ValueKind != JsonValueKind.String
                || (DateTimePattern().IsMatch(value.GetString()!) && DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, out _)),
            "uri" => value.ValueKind != JsonValueKind.String || Uri.TryCreate(value.GetString(), UriKind.Absolute, out _),
            "uri-reference" => value.ValueKind != JsonValueKind.String || Uri.TryCreate(value.GetString(), UriKind.RelativeOrAbsolute, out _),
            // A file is not JSON; whoever describes one so says what its content type does.
            "binary" => true,
            "int32" => value.ValueKind != JsonValueKind.Number || value.TryGetInt32(out _),
            "int64" => value.ValueKind != JsonValueKind.Number || value.TryGetInt64(out _),
            _ => throw new NotSupportedException($"The format \"{format}\" is not checked. Teach {nameof(SchemaValidator)} what it means."),
        };

    [GeneratedRegex(@"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})\z", RegexOptions.CultureInvariant)]
    private static partial Regex DateTimePattern();
}
