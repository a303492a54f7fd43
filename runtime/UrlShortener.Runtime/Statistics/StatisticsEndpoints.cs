using UrlShortener.Runtime.Access;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Statistics;

/// <summary>/api/v1/urls/{short_code}/stats.</summary>
internal sealed class StatisticsEndpoints(ClickStatistics statistics, OwnLinks own, TimeProvider time)
{
    private static readonly Problem Unavailable = Problem.Unavailable with
    {
        Error =
            "Statistics of this link are not available now: there are too many clicks to read in time, or the service is busy. "
            + "Narrow the range with start_date and end_date, or try again in a moment.",
    };

    private static readonly Problem Away = Problem.Unavailable with
    {
        Error = "Statistics are not available now: the server that keeps them does not answer. Links work without it. Try again in a moment.",
    };

    /// <summary>GET /api/v1/urls/{short_code}/stats</summary>
    public async Task GetAsync(HttpContext context)
    {
        var errors = new List<FieldError>();
        var query = StatisticsQuery.Read(context.Request.Query, time.GetUtcNow(), errors);
        var (link, problem) = await own.FindAsync(context);
        if ((problem ?? (errors.Count > 0 ? Problem.Of(errors) : null)) is { } refused)
        {
            await refused.WriteAsync(context);
            return;
        }

        StatisticsResponse response;
        try
        {
            response = await statistics.ReadAsync(link!.ShortCode, query!, Caller.RequiredUserOf(context).Id, context.RequestAborted);
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

        await Reply.WriteJsonAsync(context, StatusCodes.Status200OK, response, StatisticsJson.Instance.StatisticsResponse);
    }
}
