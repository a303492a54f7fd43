namespace UrlShortener.ControllerRuntime.Queue;

/// <summary>A key that a worker took from a <see cref="WorkQueue{TKey}"/>, and the lane in which it waited.</summary>
internal readonly record struct WorkItem<TKey>(TKey Key, Lane Lane);
