using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A Gateway, maybe of another namespace.</summary>
internal sealed record GatewayRef
{
    /// <summary>Its name.</summary>
    [Description("Name of the Gateway.")]
    [Required]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string Name { get; init; } = "";

    /// <summary>Null: the region's.</summary>
    [Description("Namespace of the Gateway. Absent: the namespace of this object.")]
    [Length(1, 63)]
    [RegularExpression(Patterns.DnsLabel)]
    public string? Namespace { get; init; }

    /// <summary>Null: all listeners.</summary>
    [Description("Listener of the Gateway. Absent: all of them.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string? SectionName { get; init; }
}
