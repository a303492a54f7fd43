namespace UrlShortener.Operator.Redis.Protocol;

/// <summary>Kinds of replies of the protocol RESP2.</summary>
internal enum RespKind
{
    /// <summary>A simple or bulk string.</summary>
    Text,

    /// <summary>A number.</summary>
    Integer,

    /// <summary>An error.</summary>
    Error,

    /// <summary>No value.</summary>
    Null,

    /// <summary>A list of replies.</summary>
    List,
}
