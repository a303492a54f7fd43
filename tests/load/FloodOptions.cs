namespace UrlShortener.Load;

/// <summary>What to flood with. A null <paramref name="Product"/> means the runtime built in this tree.</summary>
internal sealed record FloodOptions(int Seconds, int Connections, int Threads, string? Product);
