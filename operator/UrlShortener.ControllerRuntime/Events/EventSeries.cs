namespace UrlShortener.ControllerRuntime.Events;

/// <summary>An event that happened once or several times. Guarded by its <see cref="EventRecorder"/>.</summary>
internal sealed class EventSeries(EventKey key, DateTime firstAt)
{
    public EventKey Key { get; } = key;

    public DateTime FirstAt { get; } = firstAt;

    public DateTime LastAt { get; set; } = firstAt;

    public int Count { get; set; }

    /// <summary>Whether the writer has it in its queue, so that it will see the newest count.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Name of the event in the API server; null before the first write. Used by the writer only.</summary>
    public string? WrittenAs { get; set; }
}
