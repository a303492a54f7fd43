namespace UrlShortener.Operator.Entities.Schema;

/// <summary>A list whose items are identified by one of their fields. The API server refuses duplicates, and merges items of several appliers.</summary>
/// <param name="key">JSON name of the field.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ListMapAttribute(string key) : Attribute
{
    /// <summary>JSON name of the field.</summary>
    public string Key => key;
}
