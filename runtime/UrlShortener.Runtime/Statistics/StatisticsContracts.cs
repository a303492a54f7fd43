using System.ComponentModel;
using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Answer to GET /api/v1/urls/{short_code}/stats.</summary>
[Description("Clicks of a link in a range of time. Counts people, except in `bots`.")]
internal sealed record StatisticsResponse(
    [property: Description("Start of the range.")] DateTimeOffset StartDate,
    [property: Description("End of the range, not included.")] DateTimeOffset EndDate,
    [property: Description("`hour`, `day` or `week`.")] string Granularity,
    [property: Description("IANA name of the time zone whose hours, days and weeks are counted.")] string TimeZone,
    [property: Description("Clicks by people.")] long TotalClicks,
    [property: Description("Distinct visitors per UTC day, added up.")] long UniqueVisitors,
    [property: Description("Clicks by crawlers, link previews, monitors and other machines.")] long Bots,
    [property: Description("Clicks per bucket, empty buckets included.")] IReadOnlyList<TimeBucketResponse> TimeSeries,
    [property: Description("Clicks per country, most first.")] IReadOnlyList<CountryClicksResponse> Geographic,
    [property: Description("Clicks per source, most first.")] IReadOnlyList<SourceClicksResponse> Referrers,
    [property: Description("Clicks per class of device.")] DeviceClicksResponse Devices,
    [property: Description(
        "Clicks in each minute of the last hour, whatever the range is, ending with the minute that goes on; null unless a Flink job counts them."
    )]
        IReadOnlyList<TimeBucketResponse>? ClicksLastHour
);

/// <summary>One bucket.</summary>
[Description("Clicks of one minute, hour, day or week.")]
internal sealed record TimeBucketResponse(
    [property: Description("Its start, with the offset of the time zone at that moment.")] string Timestamp,
    [property: Description("Clicks by people.")] long Clicks
);

/// <summary>Classes of devices.</summary>
[Description("Clicks per class of device.")]
internal sealed record DeviceClicksResponse(
    [property: Description("Phones.")] long Mobile,
    [property: Description("Desktops and laptops.")] long Desktop,
    [property: Description("Tablets.")] long Tablet,
    [property: Description("Televisions, consoles and unknown devices.")] long Other
);
