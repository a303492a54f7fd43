namespace UrlShortener.Runtime.Statistics;

/// <summary>Sums of the days that are over, which a store keeps so that statistics need not read single clicks.</summary>
internal interface IDaySums
{
    /// <summary>
    /// Sums up some of what was clicked on UTC days before <paramref name="before"/>, so that statistics need not read single clicks of these days; returns how
    /// many links were, 0 when nothing is left to do. Statistics are right before, too.
    /// </summary>
    Task<int> SumUpAsync(DateOnly before, CancellationToken cancellationToken);
}
