namespace UrlShortener.Load;

/// <summary>How to measure on servers. <paramref name="Links"/> and <paramref name="WarmUpSeconds"/> are for Zipf's load, <paramref name="Keys"/> for key
/// generation. A null <paramref name="Product"/> means the runtime built in this tree.</summary>
internal sealed record ServersOptions(int Seconds, int Rounds, int Connections, int Threads, int Links, int WarmUpSeconds, int Keys, string? Product)
{
    public LoadProfile Full(string name) => new(name + ", full load", Connections, Seconds);

    public LoadProfile Light(string name) => new(name + ", light load", RedirectOptions.LightConnections, Seconds, ThinkMilliseconds: 1);

    public int MostConnections => Math.Max(Connections, RedirectOptions.LightConnections);

    public LoadProfile WarmUp => new("warm-up", Connections, 3);
}
