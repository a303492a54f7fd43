namespace UrlShortener.Operator.Entities.Schema;

/// <summary>A column of <c>kubectl get</c>, in the order of the attributes.</summary>
/// <param name="name">Heading.</param>
/// <param name="path">JSONPath of the value from the object's root.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
internal sealed class PrinterColumnAttribute(string name, string path) : Attribute
{
    /// <summary>The heading.</summary>
    public string Name => name;

    /// <summary>JSONPath of the value.</summary>
    public string Path => path;

    /// <summary><c>string</c>, <c>integer</c> or <c>date</c>.</summary>
    public string Type { get; init; } = "string";

    /// <summary>Whether only <c>-o wide</c> shows the column.</summary>
    public bool IsWide { get; init; }
}
