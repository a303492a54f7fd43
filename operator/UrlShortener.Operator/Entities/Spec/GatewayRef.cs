using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A Gateway, or one of its listeners.</summary>
internal sealed record GatewayRef
{
    /// <summary>Its name.</summary>
    [Description("Name of the Gateway.")]
    [Required]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string Name { get; init; } = "";

    /// <summary>Its namespace; null: that of the region.</summary>
    [Description("Namespace of the Gateway. If absent: that of the region. The Gateway must admit routes from the region's namespace.")]
    [Length(1, 63)]
    [RegularExpression(Patterns.DnsLabel)]
    public string? Namespace { get; init; }

    /// <summary>The listener; null: all.</summary>
    [Description("Name of a listener of the Gateway. If absent: all that admit the route.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string? SectionName { get; init; }
}
