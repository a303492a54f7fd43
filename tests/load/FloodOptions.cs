namespace UrlShortener.Load;

/// <summary>What to flood, and with what: .NET takes three quarters of a container's limit for its heap.
/// A null <paramref name="Product"/> means the runtime built in this tree.</summary>
internal sealed record FloodOptions(int HeapMegabytes, int Seconds, int Connections, int Threads, string? Product);
