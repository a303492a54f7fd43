namespace UrlShortener.Load.Costs;

/// <summary>What to measure the cost of requests with. The rates are far from what the machine can do: the cost at full load is that of
/// <see cref="RedirectRun"/>.</summary>
/// <param name="WithServers">On PostgreSQL and a Redis Cluster instead of SQLite.</param>
/// <param name="Seconds">Length of each measurement.</param>
/// <param name="Creates">Creates per second.</param>
/// <param name="Redirects">Redirects per second of links in memory.</param>
/// <param name="Product">The executable; null: the runtime built in this tree.</param>
internal sealed record CostOptions(bool WithServers, int Seconds, int Creates, int Redirects, string? Product)
{
    /// <summary>Links in memory.</summary>
    public const int HotLinks = 1_000;

    /// <summary>Links that are asked for seldom.</summary>
    public const int ColdLinks = 20_000;
}
