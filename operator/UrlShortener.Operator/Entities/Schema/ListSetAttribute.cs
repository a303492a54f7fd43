namespace UrlShortener.Operator.Entities.Schema;

/// <summary>A list of scalars without duplicates.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ListSetAttribute : Attribute;
