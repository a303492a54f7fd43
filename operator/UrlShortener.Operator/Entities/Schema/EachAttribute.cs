using System.Diagnostics.CodeAnalysis;

namespace UrlShortener.Operator.Entities.Schema;

/// <summary>Limits of every string in a list, or of every value in a map.</summary>
/// <param name="minLength">Minimum length.</param>
/// <param name="maxLength">Maximum length.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class EachAttribute(int minLength, int maxLength) : Attribute
{
    /// <summary>Minimum length.</summary>
    public int MinLength => minLength;

    /// <summary>Maximum length.</summary>
    public int MaxLength => maxLength;

    /// <summary>Regular expression that each string must match; null: none.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public string? Pattern { get; init; }
}
