using System.ComponentModel;
using System.Text.Json.Serialization;

namespace UrlShortener.Runtime.Links;

/// <summary>Reads the recent clicks of a link, which are part of the link's answer.</summary>
internal interface IRecentClicks
{
    /// <summary>Clicks of the last 24 hours and 7 days; null when they are not available in time. The rest of the answer does not depend on them.</summary>
    /// <param name="shortCode">The code.</param>
    /// <param name="caller">The user who asks: questions of one user do not hold up those of others.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<RecentClicksResponse?> TryReadAsync(string shortCode, long caller, CancellationToken cancellationToken);
}

/// <summary>The part of a link's answer about its clicks.</summary>
[Description("Recent clicks by people.")]
internal sealed record RecentClicksResponse(
    [property: Description("Clicks of the last 24 hours.")] [property: JsonPropertyName("clicks_24h")] long Clicks24h,
    [property: Description("Clicks of the last 7 days.")] [property: JsonPropertyName("clicks_7d")] long Clicks7d,
    [property: Description("The countries with most clicks of the last 7 days.")] IReadOnlyList<CountryClicksResponse> TopCountries,
    [property: Description("The sources with most clicks of the last 7 days.")] IReadOnlyList<SourceClicksResponse> TopReferrers
);

/// <summary>One country.</summary>
[Description("Clicks from one country.")]
internal sealed record CountryClicksResponse(
    [property: Description("ISO 3166-1 alpha-2, or `unknown`.")] string Country,
    [property: Description("Clicks by people.")] long Clicks
);

/// <summary>One source.</summary>
[Description("Clicks from one source.")]
internal sealed record SourceClicksResponse(
    [property: Description(
        "Host of the referring page, `direct`, or `other`: all further sources of days with more than 1,000. A host with one of these two names ends in a dot."
    )]
        string Source,
    [property: Description("Clicks by people.")] long Clicks
);
