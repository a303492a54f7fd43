using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>One key of a Secret in the same namespace.</summary>
internal record SecretKeyRef
{
    /// <summary>The Secret.</summary>
    [Description("Name of a Secret in the same namespace.")]
    [Required]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string Name { get; init; } = "";

    /// <summary>The key in it.</summary>
    [Description("Key in the Secret.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DataKey)]
    public string Key { get; init; } = "value";
}
