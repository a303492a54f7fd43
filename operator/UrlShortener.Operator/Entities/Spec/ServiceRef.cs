using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A Service of the same namespace.</summary>
internal sealed record ServiceRef
{
    /// <summary>Its name.</summary>
    [Description("Name of a Service in the same namespace.")]
    [Required]
    [Length(1, 63)]
    [RegularExpression(Patterns.DnsLabel)]
    public string Name { get; init; } = "";
}
