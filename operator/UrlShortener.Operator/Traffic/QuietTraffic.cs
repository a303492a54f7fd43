namespace UrlShortener.Operator.Traffic;

/// <summary>
/// A reconcile that found everything published and wrote nothing. As long as the next ones observe the same, they need not build the objects.
/// </summary>
/// <param name="Version">Resource version of the region.</param>
/// <param name="Observed">What was observed.</param>
/// <param name="Serves">What the looks said.</param>
/// <param name="At">When.</param>
internal sealed record QuietTraffic(string? Version, ObservedTraffic Observed, bool? Serves, DateTimeOffset At)
{
    /// <summary>How long it counts.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    /// <summary>Whether a later reconcile would find the same.</summary>
    public bool Covers(string? version, ObservedTraffic observed, bool? serves, DateTimeOffset now) =>
        Version == version && Serves == serves && now - At < Limit && Observed.IsSame(observed);
}
