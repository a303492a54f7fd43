namespace UrlShortener.ControllerRuntime.Events;

/// <summary>Type of an event.</summary>
public enum EventSeverity
{
    /// <summary>As it should be.</summary>
    Normal,

    /// <summary>Somebody may have to act.</summary>
    Warning,
}
