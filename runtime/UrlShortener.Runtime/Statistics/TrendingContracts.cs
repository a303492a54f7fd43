using System.ComponentModel;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Answer to GET /api/v1/urls/trending.</summary>
[Description("The links of a user that people follow most now.")]
internal sealed record TrendingResponse(
    [property: Description("Start of the last hour, which ends with the minute that goes on.")] DateTimeOffset Since,
    [property: Description("Links that were followed in the last hour, most clicks first.")] IReadOnlyList<TrendingLinkResponse> Urls
);

/// <summary>One link.</summary>
[Description("A link and its latest clicks by people.")]
internal sealed record TrendingLinkResponse(
    [property: Description("The code.")] string ShortCode,
    [property: Description("The short URL.")] string ShortUrl,
    [property: Description("Clicks in the last hour.")] long ClicksLastHour,
    [property: Description("Clicks in the hour before.")] long ClicksHourBefore
);
