namespace UrlShortener.TestServers.Redis;

/// <summary>An answer of Redis: a text (or number), or a list.</summary>
internal sealed record RedisReply(string? Text, IReadOnlyList<RedisReply> Items)
{
    /// <summary>The text; empty for nothing and for lists.</summary>
    public override string ToString() => Text ?? "";
}
