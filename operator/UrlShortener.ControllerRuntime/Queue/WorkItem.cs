namespace UrlShortener.ControllerRuntime.Queue;

/// <summary>A key that a worker took from a <see cref="WorkQueue{TKey}"/>.</summary>
internal readonly record struct WorkItem<TKey>(TKey Key);
