namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>How a watch ended.</summary>
internal enum WatchEnd
{
    /// <summary>The server ended it in good order.</summary>
    End,

    /// <summary>Nothing came for too long.</summary>
    Idle,

    /// <summary>The server no longer has the changes since the resource version.</summary>
    Gone,

    /// <summary>A line could not be read.</summary>
    Undecodable,

    /// <summary>The server does not serve the kind.</summary>
    NotServed,

    /// <summary>The server refused, was not reached, or the connection broke.</summary>
    Error,
}
