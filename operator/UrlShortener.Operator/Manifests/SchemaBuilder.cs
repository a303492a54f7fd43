using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Manifests;

/// <summary>
/// The structural schema (OpenAPI v3) of a type: fields from its properties, defaults from their initial values, bounds, descriptions and rules from
/// attributes. Throws an <see cref="InvalidOperationException"/> that names the field if a description or a limit is missing.
/// </summary>
internal static class SchemaBuilder
{
    // Maximum length of a quantity.
    private const int MaxQuantityLength = 20;

    // The API server writes times of at most 27 characters.
    private const int MaxTimeLength = 64;

    /// <summary>The schema of a type, including all types below it.</summary>
    /// <param name="type">A type with a constructor without parameters.</param>
    public static JsonObject Build(Type type) => BuildObject(type, Activator.CreateInstance(type)!);

    private static JsonObject BuildObject(Type type, object sample)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var property in PropertiesOf(type))
        {
            var name = NameOf(property);
            properties[name] = BuildProperty(property, property.GetValue(sample));
            if (property.IsDefined(typeof(RequiredAttribute)))
                required.Add(name);
        }

        var schema = new JsonObject { ["type"] = "object" };
        if (required.Count > 0)
            schema["required"] = required;
        schema["properties"] = properties;
        AddRules(schema, type);
        return schema;
    }

    private static JsonObject BuildProperty(PropertyInfo property, object? value)
    {
        var schema = BuildValue(property, Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, value);
        var isRequired = property.IsDefined(typeof(RequiredAttribute));
        var description = new List<string> { DescriptionOf(property) };
        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            schema["minimum"] = (int)range.Minimum;
            schema["maximum"] = (int)range.Maximum;
            description.Add(string.Create(CultureInfo.InvariantCulture, $"From {range.Minimum} to {range.Maximum}."));
        }

        if (schema["x-kubernetes-list-map-keys"] is null && property.IsDefined(typeof(ListSetAttribute)))
            schema["x-kubernetes-list-type"] = "set";
        AddRules(schema, property);
        if (!isRequired && DefaultOf(value) is { } defaultValue)
        {
            // The descriptions of an object's fields have their defaults.
            if (!IsPart(value!))
                description.Add($"Default: {Plain(defaultValue)}.");
            schema["default"] = defaultValue;
        }

        schema.Insert(0, "description", string.Join(' ', description));
        return schema;
    }

    private static JsonObject BuildValue(PropertyInfo property, Type type, object? value)
    {
        if (type == typeof(string))
            return BuildText(property);
        if (type == typeof(bool))
            return new JsonObject { ["type"] = "boolean" };
        if (type == typeof(int))
            return new JsonObject { ["type"] = "integer", ["format"] = "int32" };
        if (type == typeof(long))
            return new JsonObject { ["type"] = "integer", ["format"] = "int64" };
        if (type == typeof(DateTime))
            return new JsonObject
            {
                ["type"] = "string",
                ["format"] = "date-time",
                ["maxLength"] = MaxTimeLength,
                ["pattern"] = Patterns.Time,
            };
        if (type == typeof(ResourceQuantity))
            return BuildQuantity();
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            return BuildList(property, type.GenericTypeArguments[0]);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
            return BuildMap(property, type.GenericTypeArguments[1]);
        return BuildObject(type, value ?? Activator.CreateInstance(type)!);
    }

    private static JsonObject BuildText(PropertyInfo property)
    {
        if (property.GetCustomAttribute<OneOfAttribute>() is { } choice)
            return BuildChoice(choice.Values);
        var length = LengthOf(property);
        return BuildText(length.MinimumLength, length.MaximumLength, property.GetCustomAttribute<RegularExpressionAttribute>()?.Pattern);
    }

    private static JsonObject BuildText(int minLength, int maxLength, string? pattern)
    {
        var schema = new JsonObject { ["type"] = "string" };
        if (minLength > 0)
            schema["minLength"] = minLength;
        schema["maxLength"] = maxLength;
        if (pattern is not null)
            schema["pattern"] = pattern;
        return schema;
    }

    private static JsonObject BuildChoice(IReadOnlyList<string> values) =>
        new()
        {
            ["type"] = "string",
            ["maxLength"] = values.Max(value => value.Length),
            ["enum"] = new JsonArray([.. values.Select(value => JsonValue.Create(value))]),
        };

    // Like the core types: a string or an integer.
    private static JsonObject BuildQuantity() =>
        new()
        {
            ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "integer" }, new JsonObject { ["type"] = "string" }),
            ["maxLength"] = MaxQuantityLength,
            ["pattern"] = Patterns.Quantity,
            ["x-kubernetes-int-or-string"] = true,
        };

    private static JsonObject BuildList(PropertyInfo property, Type itemType)
    {
        var length = LengthOf(property);
        var schema = new JsonObject { ["type"] = "array" };
        if (length.MinimumLength > 0)
            schema["minItems"] = length.MinimumLength;
        schema["maxItems"] = length.MaximumLength;
        if (property.GetCustomAttribute<ListMapAttribute>() is { } map)
        {
            schema["x-kubernetes-list-type"] = "map";
            schema["x-kubernetes-list-map-keys"] = new JsonArray(map.Key);
        }

        schema["items"] = itemType == typeof(V1Condition) ? ConditionSchema.Build() : BuildItem(property, itemType);
        return schema;
    }

    private static JsonObject BuildMap(PropertyInfo property, Type valueType) =>
        new()
        {
            ["type"] = "object",
            ["maxProperties"] = LengthOf(property).MaximumLength,
            ["additionalProperties"] = BuildItem(property, valueType),
        };

    private static JsonObject BuildItem(PropertyInfo property, Type type)
    {
        if (type == typeof(ResourceQuantity))
            return BuildQuantity();
        if (type != typeof(string))
            return BuildObject(type, Activator.CreateInstance(type)!);
        var each = property.GetCustomAttribute<EachAttribute>() ?? throw Lacks(property, "bounds of its texts ([Each])");
        return BuildText(each.MinLength, each.MaxLength, each.Pattern);
    }

    private static void AddRules(JsonObject schema, MemberInfo member)
    {
        var rules = member
            .GetCustomAttributes<RuleAttribute>()
            .Select(rule => (JsonNode)new JsonObject { ["rule"] = rule.Expression, ["message"] = rule.Message })
            .ToArray();
        if (rules.Length == 0)
            return;
        if (schema["x-kubernetes-validations"] is JsonArray there)
            Array.ForEach(rules, there.Add);
        else
            schema["x-kubernetes-validations"] = new JsonArray(rules);
    }

    private static JsonNode? DefaultOf(object? value) =>
        value switch
        {
            null => null,
            string or bool or int or Enum or ResourceQuantity => KubernetesNode(value),
            IEnumerable items => items.Cast<object>().Any() ? KubernetesNode(value) : null,
            _ => DefaultOfPart(value),
        };

    // In full, not as {}: the API server validates a default against the rules of its own field before it adds the defaults of the fields below.
    private static JsonObject DefaultOfPart(object part)
    {
        var fields = PropertiesOf(part.GetType()).Select(property => (Name: NameOf(property), Default: DefaultOf(property.GetValue(part))));
        return new JsonObject(fields.Where(field => field.Default is not null).Select(field => KeyValuePair.Create(field.Name, field.Default)));
    }

    private static bool IsPart(object value) => value is not (string or bool or int or Enum or ResourceQuantity or IEnumerable);

    private static JsonNode KubernetesNode(object value) => JsonNode.Parse(KubernetesJson.Serialize(value))!;

    private static string Plain(JsonNode node) =>
        node switch
        {
            JsonObject map => string.Join(", ", map.Select(entry => $"{entry.Key}: {entry.Value}")),
            _ => node.ToString() is { Length: > 0 } text ? text : "\"\"",
        };

    // Declaration order, base types first, so that users read the fields in that order.
    private static IEnumerable<PropertyInfo> PropertiesOf(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .OrderBy(property => property.DeclaringType == type)
            .ThenBy(property => property.MetadataToken);

    private static string NameOf(PropertyInfo property) => JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    private static string DescriptionOf(PropertyInfo property)
    {
        var description = property.GetCustomAttribute<DescriptionAttribute>()?.Description ?? throw Lacks(property, "a description");
        return description.EndsWith('.') ? description : throw Lacks(property, "a full stop at the end of its description");
    }

    private static LengthAttribute LengthOf(PropertyInfo property) =>
        property.GetCustomAttribute<LengthAttribute>() ?? throw Lacks(property, "bounds ([Length])");

    private static InvalidOperationException Lacks(PropertyInfo property, string what) => new($"{property.DeclaringType!.Name}.{property.Name} lacks {what}.");
}
