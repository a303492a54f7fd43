using UrlShortener.Runtime.Access;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Statistics;

/// <summary>/api/v1/urls/trending.</summary>
internal sealed class TrendingEndpoint(IFollowedLinks links, IRecentCounts counts, TimeProvider time)
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 100;

    private static readonly Problem Unavailable = Problem.Unavailable with
    {
        Error = "Trending links are not available now: there are too many clicks or links to read in time, or the service is busy. Try again in a moment.",
    };

    private static readonly Problem Away = Problem.Unavailable with
    {
        Error = "Trending links are not available now: the server that keeps statistics does not answer. Links work without it. Try again in a moment.",
    };

    /// <summary>GET /api/v1/urls/trending</summary>
    public async Task GetAsync(HttpContext context)
    {
        var errors = new List<FieldError>();
        var limit = new QueryParameters(context.Request.Query, errors, ["limit"]).Integer("limit", 1, MaxLimit) ?? DefaultLimit;
        if (errors.Count > 0)
        {
            await Problem.Of(errors).WriteAsync(context);
            return;
        }

        var (user, hours) = (Caller.RequiredUserOf(context).Id, new RecentHours(time.GetUtcNow()));
        IReadOnlyDictionary<string, HourCounts> found;
        try
        {
            var codes = await links.FindFollowedAsync(user, hours.Middle, counts.MaxCodes, context.RequestAborted);
            found =
                codes.Count == 0
                    ? new Dictionary<string, HourCounts>(StringComparer.Ordinal)
                    : await counts.ReadHoursAsync(codes, hours, user, context.RequestAborted);
        }
        catch (QueryLimitException)
        {
            await Unavailable.WriteAsync(context);
            return;
        }
        catch (StatisticsUnavailableException)
        {
            await Away.WriteAsync(context);
            return;
        }

        var baseUrl = LinkUrls.BaseOf(context);
        var response = new TrendingResponse(
            hours.Middle,
            [.. Rank(found, limit).Select(link => new TrendingLinkResponse(link.Key, LinkUrls.ShortUrl(baseUrl, link.Key), link.Value.Last, link.Value.Before))]
        );
        await Reply.WriteJsonAsync(context, StatusCodes.Status200OK, response, StatisticsJson.Instance.TrendingResponse);
    }

    /// <summary>Those with clicks in the last hour, most first. Of two with as many, the one that had fewer before. Pure.</summary>
    internal static IEnumerable<KeyValuePair<string, HourCounts>> Rank(IEnumerable<KeyValuePair<string, HourCounts>> counts, int limit) =>
        counts
            .Where(link => link.Value.Last > 0)
            .OrderByDescending(link => link.Value.Last)
            .ThenBy(link => link.Value.Before)
            .ThenBy(link => link.Key, StringComparer.Ordinal)
            .Take(limit);
}
