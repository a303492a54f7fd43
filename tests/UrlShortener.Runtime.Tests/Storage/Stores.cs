using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Tests.Storage;

/// <summary>All stores of one database.</summary>
internal sealed record Stores(
    ILinkStore Links,
    IUserStore Users,
    IKeyClaims Keys,
    IClickSink Clicks,
    IClickSalts Salts,
    IClickRetention Retention,
    IStatisticsSource Statistics,
    IDaySums Sums,
    ISingleClicks SingleClicks
);
