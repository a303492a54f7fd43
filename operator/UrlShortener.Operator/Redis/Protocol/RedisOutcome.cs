namespace UrlShortener.Operator.Redis.Protocol;

/// <summary>The outcome of a command at one node. A failure is a value: nodes fail, and the operator decides what to do.</summary>
/// <param name="Reach">How far it got.</param>
/// <param name="Reply">The reply; null: none.</param>
/// <param name="Error">Error of the node or of the connection; null: the command succeeded.</param>
internal sealed record RedisOutcome(RedisReach Reach, RespReply? Reply, string? Error)
{
    /// <summary>Whether the node carried out the command.</summary>
    public bool Succeeded => Error is null;

    /// <summary>Whether the node reads its data from disk, and answers nothing else until it has.</summary>
    public bool IsLoading => Error?.StartsWith("LOADING", StringComparison.Ordinal) == true;

    /// <summary>Whether the node refuses every password that the operator has.</summary>
    public bool IsPasswordRefused =>
        Error is { } error && (error.StartsWith("WRONGPASS", StringComparison.Ordinal) || error.StartsWith("ERR AUTH", StringComparison.Ordinal));

    /// <summary>Whether the user may not do that at the node.</summary>
    public bool IsNotPermitted => Error?.StartsWith("NOPERM", StringComparison.Ordinal) == true;

    /// <summary>The text of the reply; empty: there is none.</summary>
    public string Text => Succeeded ? Reply?.Text ?? "" : "";

    /// <summary>The outcome of a reply.</summary>
    public static RedisOutcome Of(RespReply reply) => new(RedisReach.Answered, reply, reply.Kind == RespKind.Error ? reply.Text : null);

    /// <summary>A failure before a reply.</summary>
    public static RedisOutcome Failed(RedisReach reach, string error) => new(reach, null, error);
}
