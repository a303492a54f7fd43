using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>One key of a ConfigMap in the same namespace.</summary>
internal sealed record ConfigMapKeyRef
{
    /// <summary>The ConfigMap.</summary>
    [Description("Name of a ConfigMap in the same namespace.")]
    [Required]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string Name { get; init; } = "";

    /// <summary>The key in it.</summary>
    [Description("Key in the ConfigMap.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DataKey)]
    public string Key { get; init; } = "blocklist.txt";
}
