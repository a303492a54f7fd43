namespace UrlShortener.ControllerRuntime.Events;

/// <summary>An event that occurred once or several times. Guarded by its <see cref="EventRecorder"/>.</summary>
internal sealed class EventSeries(EventKey key, DateTime firstAt)
{
    public EventKey Key { get; } = key;

    public DateTime FirstAt { get; } = firstAt;

    public DateTime LastAt { get; set; } = firstAt;

    public int Count { get; set; }

    /// <summary>Whether it is in the writer's queue, so that the writer will read the newest count.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Name of the event in the API server; null before the first write. Only the writer uses it.</summary>
    public string? WrittenAs { get; set; }
}
