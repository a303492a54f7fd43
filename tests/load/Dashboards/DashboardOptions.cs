namespace UrlShortener.Load.Dashboards;

/// <summary>What to draw. The load is the spike of the specification in its own time, with rates multiplied by <paramref name="RateScale"/>.</summary>
/// <param name="RateScale">Factor of all rates.</param>
/// <param name="TimeScale">Factor of all times. The panels look back 5 minutes: much below 1 they show little.</param>
/// <param name="Picture">The file to write.</param>
/// <param name="Product">The executable; null: the runtime built in this tree.</param>
internal sealed record DashboardOptions(double RateScale, double TimeScale, string Picture, string? Product);
