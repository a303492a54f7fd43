using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Answers when clicks cannot be read.</summary>
internal static class StatisticsProblems
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

    /// <summary>Answers a request; with 503 when a query exceeds its limits, or when the server of statistics does not work.</summary>
    public static async Task GuardAsync(HttpContext context, Func<Task> answer)
    {
        try
        {
            await answer();
        }
        catch (QueryLimitException) when (!context.Response.HasStarted)
        {
            await Unavailable.WriteAsync(context);
        }
        catch (StatisticsUnavailableException) when (!context.Response.HasStarted)
        {
            await Away.WriteAsync(context);
        }
    }
}
