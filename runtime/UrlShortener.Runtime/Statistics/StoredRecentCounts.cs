namespace UrlShortener.Runtime.Statistics;

/// <summary>Counts code by code from a source that answers for one at a time.</summary>
internal sealed class StoredRecentCounts(IStatisticsSource source) : IRecentCounts
{
    /// <inheritdoc />
    public int MaxCodes => 100;

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, HourCounts>> ReadHoursAsync(
        IReadOnlyList<string> codes,
        RecentHours hours,
        long caller,
        CancellationToken cancellationToken
    )
    {
        var counts = new Dictionary<string, HourCounts>(StringComparer.Ordinal);
        foreach (var code in codes)
        {
            var last = await source.ReadCountsAsync(code, hours.Middle, hours.End, caller, cancellationToken);
            if (last.Clicks == 0)
                continue;
            var before = await source.ReadCountsAsync(code, hours.Begin, hours.Middle, caller, cancellationToken);
            counts[code] = new HourCounts(last.Clicks, before.Clicks);
        }

        return counts;
    }

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<DateTimeOffset, long>?> ReadMinutesAsync(
        string code,
        RecentHours hours,
        long caller,
        CancellationToken cancellationToken
    ) => Task.FromResult<IReadOnlyDictionary<DateTimeOffset, long>?>(null);
}
