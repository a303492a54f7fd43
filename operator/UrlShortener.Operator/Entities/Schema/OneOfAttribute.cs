namespace UrlShortener.Operator.Entities.Schema;

/// <summary>A string with a closed list of values.</summary>
/// <param name="values">The values, in the order of the schema.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OneOfAttribute(params string[] values) : Attribute
{
    /// <summary>The values.</summary>
    public IReadOnlyList<string> Values => values;
}
