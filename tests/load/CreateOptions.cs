namespace UrlShortener.Load;

/// <summary>What to create with. A null <paramref name="Product"/> means the runtime built in this tree.</summary>
internal sealed record CreateOptions(int Seconds, int Connections, int Threads, string? Product);
