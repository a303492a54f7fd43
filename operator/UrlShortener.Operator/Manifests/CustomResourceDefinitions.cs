using System.ComponentModel;
using System.Reflection;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Manifests;

/// <summary>Builds the CustomResourceDefinitions of the operator's kinds from their types.</summary>
internal static class CustomResourceDefinitions
{
    /// <summary>Each definition by file name.</summary>
    public static IReadOnlyDictionary<string, JsonObject> BuildAll() =>
        new SortedDictionary<string, JsonObject>(StringComparer.Ordinal)
        {
            [$"{V1Alpha1KeyPool.KubePlural}.yaml"] = Build(typeof(V1Alpha1KeyPool)),
            [$"{V1Alpha1ShortenerRegion.KubePlural}.yaml"] = Build(typeof(V1Alpha1ShortenerRegion)),
        };

    private static JsonObject Build(Type kind)
    {
        var entity = kind.GetCustomAttribute<KubernetesEntityAttribute>()!;
        var names = kind.GetCustomAttribute<NamesAttribute>()!;
        return new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject { ["name"] = $"{entity.PluralName}.{entity.Group}" },
            ["spec"] = new JsonObject
            {
                ["group"] = entity.Group,
                ["scope"] = "Namespaced",
                ["names"] = new JsonObject
                {
                    ["kind"] = entity.Kind,
                    ["listKind"] = names.ListKind,
                    ["plural"] = entity.PluralName,
                    ["singular"] = names.Singular,
                    ["shortNames"] = Texts(names.ShortNames),
                    ["categories"] = Texts([NamesAttribute.Category]),
                },
                ["conversion"] = new JsonObject { ["strategy"] = "None" },
                ["versions"] = new JsonArray(BuildVersion(kind, entity.ApiVersion)),
            },
        };
    }

    private static JsonObject BuildVersion(Type kind, string version)
    {
        var scale = kind.GetCustomAttribute<ScaleSubresourceAttribute>()!;
        return new JsonObject
        {
            ["name"] = version,
            ["served"] = true,
            ["storage"] = true,
            ["subresources"] = new JsonObject
            {
                ["status"] = new JsonObject(),
                ["scale"] = new JsonObject
                {
                    ["specReplicasPath"] = scale.SpecReplicasPath,
                    ["statusReplicasPath"] = scale.StatusReplicasPath,
                    ["labelSelectorPath"] = scale.LabelSelectorPath,
                },
            },
            ["additionalPrinterColumns"] = new JsonArray([.. kind.GetCustomAttributes<PrinterColumnAttribute>().Select(BuildColumn)]),
            ["schema"] = new JsonObject { ["openAPIV3Schema"] = BuildSchema(kind) },
        };
    }

    private static JsonObject BuildColumn(PrinterColumnAttribute column)
    {
        var built = new JsonObject
        {
            ["name"] = column.Name,
            ["type"] = column.Type,
            ["jsonPath"] = column.Path,
        };
        if (column.IsWide)
            built["priority"] = 1;
        return built;
    }

    private static JsonObject BuildSchema(Type kind) =>
        new()
        {
            ["description"] = kind.GetCustomAttribute<DescriptionAttribute>()!.Description,
            ["type"] = "object",
            ["required"] = Texts(["spec"]),
            ["properties"] = new JsonObject
            {
                ["apiVersion"] = new JsonObject { ["description"] = "Group and version of the kind.", ["type"] = "string" },
                ["kind"] = new JsonObject { ["description"] = "Kind of the object.", ["type"] = "string" },
                ["metadata"] = new JsonObject { ["type"] = "object" },
                ["spec"] = BuildPart(kind, "Spec"),
                ["status"] = BuildPart(kind, "Status"),
            },
        };

    private static JsonObject BuildPart(Type kind, string name)
    {
        var property = kind.GetProperty(name)!;
        var schema = SchemaBuilder.Build(property.PropertyType);
        schema.Insert(0, "description", property.GetCustomAttribute<DescriptionAttribute>()!.Description);
        return schema;
    }

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);
}
