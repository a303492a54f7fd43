namespace UrlShortener.Load.OpenModel;

/// <summary>How to run scenarios of the specification.</summary>
/// <param name="TimeScale">Factor of all times.</param>
/// <param name="RateScale">Factor of all rates.</param>
/// <param name="Creates">Share of requests that create a link.</param>
/// <param name="Links">Links that the redirects are spread over.</param>
/// <param name="WithServers">On PostgreSQL and a Redis Cluster instead of SQLite.</param>
/// <param name="WithFloor">Whether the floor gets the same load first.</param>
/// <param name="Product">The executable; null: the runtime built in this tree.</param>
internal sealed record ScenarioOptions(double TimeScale, double RateScale, double Creates, int Links, bool WithServers, bool WithFloor, string? Product)
{
    /// <summary>How long a request may take. Longer is an error.</summary>
    public TimeSpan RequestLimit { get; init; } = OpenModelRunner.DefaultRequestLimit;

    /// <summary>Factor of the growth that a soak allows. Code compiles late and connections pile up where other work takes the processors.</summary>
    public double GrowthFactor { get; init; } = 1;
}
