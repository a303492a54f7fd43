namespace UrlShortener.Operator.Entities.Schema;

/// <summary>A list of scalars in which none may occur twice.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ListSetAttribute : Attribute;
