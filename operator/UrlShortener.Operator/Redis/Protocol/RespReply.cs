namespace UrlShortener.Operator.Redis.Protocol;

/// <summary>A reply of a Redis node.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Text">Text, number or error; empty for the other kinds.</param>
/// <param name="Items">Replies of a list.</param>
internal sealed record RespReply(RespKind Kind, string Text, IReadOnlyList<RespReply> Items)
{
    /// <summary>A reply without items.</summary>
    public static RespReply Of(RespKind kind, string text) => new(kind, text, []);
}
