using System.Diagnostics.CodeAnalysis;

namespace UrlShortener.Operator.Entities.Schema;

/// <summary>Bounds of every text in a list, or of every value in a map.</summary>
/// <param name="minLength">Fewest characters.</param>
/// <param name="maxLength">Most characters.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class EachAttribute(int minLength, int maxLength) : Attribute
{
    /// <summary>Fewest characters.</summary>
    public int MinLength => minLength;

    /// <summary>Most characters.</summary>
    public int MaxLength => maxLength;

    /// <summary>Regular expression that each must match; null: none.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public string? Pattern { get; init; }
}
