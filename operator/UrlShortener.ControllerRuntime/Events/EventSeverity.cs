namespace UrlShortener.ControllerRuntime.Events;

/// <summary>Type of an event.</summary>
public enum EventSeverity
{
    /// <summary>No problem.</summary>
    Normal,

    /// <summary>Someone may have to act.</summary>
    Warning,
}
