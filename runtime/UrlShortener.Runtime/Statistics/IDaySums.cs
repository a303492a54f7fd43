namespace UrlShortener.Runtime.Statistics;

/// <summary>Sums of the days that are over, which a store keeps so that statistics need not read single clicks.</summary>
internal interface IDaySums
{
    /// <summary>
    /// Sums up some of the clicks of UTC days before <paramref name="before"/>; returns the number of links that were summed up, 0 when nothing is left.
    /// Statistics are correct before that too.
    /// </summary>
    Task<int> SumUpAsync(DateOnly before, CancellationToken cancellationToken);
}
