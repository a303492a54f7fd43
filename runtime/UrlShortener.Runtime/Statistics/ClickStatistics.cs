using System.Globalization;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Answers questions about the clicks of a link.</summary>
internal sealed partial class ClickStatistics(IStatisticsSource source, IRecentCounts recent, TimeProvider time, ILogger<ClickStatistics> logger)
    : IRecentClicks
{
    /// <summary>Stands for clicks from no known country.</summary>
    public const string UnknownCountry = "unknown";

    private const int TopEntries = 10;

    // Longest time that the answer about a link waits for its statistics.
    private static readonly TimeSpan RecentLimit = TimeSpan.FromSeconds(1);

    // While the server of statistics is away, whoever reads a link meets the same cause.
    private readonly Occasion _leftOut = new(time, TimeSpan.FromSeconds(10));

    /// <summary>Everything about a range.</summary>
    /// <exception cref="QueryLimitException">There are more clicks than the store reads at once.</exception>
    public async Task<StatisticsResponse> ReadAsync(string shortCode, StatisticsQuery query, long caller, CancellationToken cancellationToken)
    {
        var totals = await source.ReadTotalsAsync(shortCode, query.From, query.To, caller, cancellationToken);
        var hours = new RecentHours(time.GetUtcNow());
        var minutes = await recent.ReadMinutesAsync(shortCode, hours, caller, cancellationToken);
        var buckets = TimeSeries.Buckets(query.From, query.To, query.Granularity, query.Zone);
        var clicks = TimeSeries.Sum(buckets, totals.Quarters);
        var devices = totals.Devices.ToDictionary();
        return new StatisticsResponse(
            query.From,
            query.To,
            query.Granularity.ToString().ToLowerInvariant(),
            query.Zone.Id,
            totals.Clicks,
            totals.Visitors,
            totals.Bots,
            [.. buckets.Select((start, i) => new TimeBucketResponse(NameOf(start), clicks[i]))],
            Countries(totals.Countries),
            Sources(totals.Sources),
            new DeviceClicksResponse(
                devices.GetValueOrDefault(DeviceClass.Mobile),
                devices.GetValueOrDefault(DeviceClass.Desktop),
                devices.GetValueOrDefault(DeviceClass.Tablet),
                devices.GetValueOrDefault(DeviceClass.Other)
            ),
            minutes is null
                ? null
                :
                [
                    .. Enumerable
                        .Range(0, 60)
                        .Select(i => hours.Middle.AddMinutes(i))
                        .Select(minute => new TimeBucketResponse(NameOf(TimeZoneInfo.ConvertTime(minute, query.Zone)), minutes.GetValueOrDefault(minute))),
                ]
        );
    }

    /// <inheritdoc />
    public async Task<RecentClicksResponse?> TryReadAsync(string shortCode, long caller, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(RecentLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await ReadRecentAsync(shortCode, caller, both.Token).WaitAsync(both.Token);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            if (_leftOut.TryPass(out var count))
                Log.RecentLeftOut(logger, error, count);
            return null;
        }
    }

    private async Task<RecentClicksResponse> ReadRecentAsync(string shortCode, long caller, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var week = await source.ReadCountsAsync(shortCode, now.AddDays(-7), now, caller, cancellationToken);
        // Rounded to the quarter hour; a second count of the same rows would gain nothing.
        var dayAgo = now.AddDays(-1).ToUnixTimeSeconds() / TimeSeries.QuarterSeconds;
        return new RecentClicksResponse(
            week.Quarters.Where(quarter => quarter.Key >= dayAgo).Sum(quarter => quarter.Value),
            week.Clicks,
            [.. Countries(week.Countries).Take(TopEntries)],
            [.. Sources(week.Sources).Take(TopEntries)]
        );
    }

    private static string NameOf(DateTimeOffset start) => start.ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);

    private static List<CountryClicksResponse> Countries(IEnumerable<KeyValuePair<string?, long>> rows) =>
        [.. rows.Select(row => new CountryClicksResponse(row.Key ?? UnknownCountry, row.Value))];

    private static List<SourceClicksResponse> Sources(IEnumerable<KeyValuePair<string?, long>> rows) =>
        [.. rows.Select(row => new SourceClicksResponse(ClickSources.NameOf(row.Key), row.Value))];

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Answered {Count} links without their recent clicks since the last such line")]
        public static partial void RecentLeftOut(ILogger logger, Exception error, long count);
    }
}
