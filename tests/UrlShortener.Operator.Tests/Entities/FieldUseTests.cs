using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Schema;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Failover;
using UrlShortener.Operator.Loading;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Traffic;
using Xunit;

namespace UrlShortener.Operator.Tests.Entities;

/// <summary>The API offers only fields that work: the operator reads each field of a specification, and writes each field of a status.</summary>
public sealed partial class FieldUseTests
{
    // Apply/StatusPart writes them by name.
    private static readonly string[] Parts =
    [
        $"status.{BackupStatusRules.Part.Field}",
        $"status.{FailoverStatusRules.Part.Field}",
        $"status.{LoaderStatusRules.Part.Field}",
        $"status.{PostgresStatusRules.Part.Field}",
        $"status.{RedisStatusRules.Part.Field}",
        $"status.{TrafficStatusRules.Part.Field}",
    ];

    [Theory]
    [InlineData(typeof(V1Alpha1ShortenerRegion))]
    [InlineData(typeof(V1Alpha1KeyPool))]
    public void SpecField_OfAKind_IsReadByTheOperator(Type kind) =>
        Assert.Empty(Fields(kind, "Spec").Where(field => !FieldUse.IsRead(field.Property)).Select(field => field.Path));

    [Theory]
    [InlineData(typeof(V1Alpha1ShortenerRegion))]
    [InlineData(typeof(V1Alpha1KeyPool))]
    public void StatusField_OfAKind_IsWrittenByTheOperator(Type kind) =>
        Assert.Empty(Fields(kind, "Status").Where(field => !FieldUse.IsWritten(field.Property) && !Parts.Contains(field.Path)).Select(field => field.Path));

    [Theory]
    [InlineData(typeof(V1Alpha1ShortenerRegion))]
    [InlineData(typeof(V1Alpha1KeyPool))]
    public void Path_OfAColumnOrScale_IsAField(Type kind)
    {
        var fields = Fields(kind, "Spec").Concat(Fields(kind, "Status")).Select(field => field.Path).ToHashSet(StringComparer.Ordinal);
        var scale = kind.GetCustomAttribute<ScaleSubresourceAttribute>()!;
        var columns = kind.GetCustomAttributes<PrinterColumnAttribute>()
            .Select(column => column.Path)
            .Where(path => !path.StartsWith(".metadata.", StringComparison.Ordinal));
        Assert.All(
            [.. columns, scale.SpecReplicasPath, scale.StatusReplicasPath, scale.LabelSelectorPath],
            path => Assert.Contains(Filter().Replace(path, "")[1..], fields)
        );
    }

    // The tests above pass if they find nothing. These fields are known.
    [Fact]
    public void Fields_OfTheKinds_AreFound()
    {
        string[] known = ["spec.app.tolerations.effect", "spec.connections.postgresSecretRef.key", "spec.app.service.port", "status.topology.primaryRegion"];
        var region = Fields(typeof(V1Alpha1ShortenerRegion), "Spec")
            .Concat(Fields(typeof(V1Alpha1ShortenerRegion), "Status"))
            .Select(field => field.Path)
            .ToList();
        Assert.All(known, path => Assert.Contains(path, region));
        Assert.False(FieldUse.IsRead(typeof(FailoverStatus).GetProperty(nameof(FailoverStatus.Guarded))!), "The operator only writes it.");
    }

    private static IEnumerable<(string Path, PropertyInfo Property)> Fields(Type kind, string part) =>
        Fields(JsonNamingPolicy.CamelCase.ConvertName(part), kind.GetProperty(part)!.PropertyType);

    private static IEnumerable<(string Path, PropertyInfo Property)> Fields(string path, Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .SelectMany(property =>
            {
                var field = $"{path}.{JsonNamingPolicy.CamelCase.ConvertName(property.Name)}";
                var inner = property.PropertyType.IsGenericType ? property.PropertyType.GenericTypeArguments[^1] : property.PropertyType;
                return inner.Namespace!.StartsWith(typeof(ApiGroup).Namespace!, StringComparison.Ordinal)
                    ? Fields(field, inner).Prepend((field, property))
                    : [(field, property)];
            });

    // [?(@.type=="Ready")].status: one condition.
    [GeneratedRegex(@"\[.*$")]
    private static partial Regex Filter();
}
