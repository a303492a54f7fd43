namespace UrlShortener.Operator.Entities.Schema;

/// <summary>A text with a closed list of values.</summary>
/// <param name="values">The values, in the order in which they are told.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OneOfAttribute(params string[] values) : Attribute
{
    /// <summary>The values.</summary>
    public IReadOnlyList<string> Values => values;
}
