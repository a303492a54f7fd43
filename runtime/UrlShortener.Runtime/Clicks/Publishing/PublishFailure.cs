namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>Why events do not arrive.</summary>
/// <param name="Kind">What kind of fault it is.</param>
/// <param name="Text">What the client says.</param>
internal sealed record PublishFailure(FailureKind Kind, string Text);

/// <summary>Kinds of faults. Of several that are told within seconds, the last one in this list says most.</summary>
internal enum FailureKind
{
    /// <summary>Brokers do not confirm, and nothing else is known.</summary>
    Unconfirmed,

    /// <summary>Brokers cannot be reached.</summary>
    Unreachable,

    /// <summary>The topic does not exist.</summary>
    Topic,

    /// <summary>Brokers refuse events.</summary>
    Refused,

    /// <summary>The user may not write to the topic.</summary>
    Authorization,

    /// <summary>No connection by TLS: one side does not accept the other's certificate.</summary>
    Tls,

    /// <summary>The brokers do not accept the user or the password.</summary>
    Authentication,

    /// <summary>A file that settings name cannot be used.</summary>
    Settings,

    /// <summary>The spool cannot be read.</summary>
    Spool,
}
