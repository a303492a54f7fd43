namespace UrlShortener.Operator.Apply;

/// <summary>A field of an object that is not as desired.</summary>
/// <param name="Path">Path of the field.</param>
/// <param name="Live">Its current value as JSON; null: it is missing.</param>
internal sealed record Difference(string Path, string? Live)
{
    /// <summary>Whether the field is not desired at all. Server-side apply leaves such a field to the client that set it.</summary>
    public bool IsExtra { get; init; }

    /// <summary>
    /// Whether an element of a list is missing. It may exist under another key, such as a port with another number. Server-side apply would add a second one.
    /// </summary>
    public bool IsElement { get; init; }
}
