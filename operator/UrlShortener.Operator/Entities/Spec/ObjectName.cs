using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>An object of the same namespace.</summary>
internal sealed record ObjectName
{
    /// <summary>Its name.</summary>
    [Description("Name of the object, in the same namespace.")]
    [Required]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string Name { get; init; } = "";
}
