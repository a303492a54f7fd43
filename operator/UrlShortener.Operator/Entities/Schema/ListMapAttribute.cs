namespace UrlShortener.Operator.Entities.Schema;

/// <summary>A list whose items are told apart by one of their fields: two with the same value are refused, and appliers may own items each.</summary>
/// <param name="key">JSON name of the field.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ListMapAttribute(string key) : Attribute
{
    /// <summary>JSON name of the field.</summary>
    public string Key => key;
}
