namespace UrlShortener.Operator.Runtime;

/// <summary>Type of an event.</summary>
internal enum EventSeverity
{
    /// <summary>As it should be.</summary>
    Normal,

    /// <summary>Somebody may have to act.</summary>
    Warning,
}
