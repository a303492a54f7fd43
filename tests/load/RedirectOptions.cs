namespace UrlShortener.Load;

/// <summary>What to redirect with. <paramref name="Seconds"/> is one measurement; a round holds two. A null <paramref name="Product"/> means the runtime built
/// in this tree.</summary>
internal sealed record RedirectOptions(int Seconds, int Rounds, int Connections, int Threads, int Links, string? Product)
{
    public const int LightConnections = 8;
}
