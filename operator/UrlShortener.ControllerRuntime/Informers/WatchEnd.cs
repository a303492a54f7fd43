namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>How a watch ended.</summary>
internal enum WatchEnd
{
    /// <summary>The server ended it regularly.</summary>
    End,

    /// <summary>No data for too long.</summary>
    Idle,

    /// <summary>The server no longer has the changes since the resource version.</summary>
    Gone,

    /// <summary>A line could not be decoded.</summary>
    Undecodable,

    /// <summary>The server does not serve the kind.</summary>
    NotServed,

    /// <summary>The server refused, was unreachable, or the connection broke.</summary>
    Error,
}
