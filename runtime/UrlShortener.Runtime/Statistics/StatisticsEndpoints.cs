using UrlShortener.Runtime.Access;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Statistics;

/// <summary>/api/v1/urls/{short_code}/stats.</summary>
internal sealed class StatisticsEndpoints(ClickStatistics statistics, OwnLinks own, TimeProvider time)
{
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

        await StatisticsProblems.GuardAsync(
            context,
            async () =>
            {
                var response = await statistics.ReadAsync(link!.ShortCode, query!, Caller.RequiredUserOf(context).Id, context.RequestAborted);
                await Reply.WriteJsonAsync(context, StatusCodes.Status200OK, response, StatisticsJson.Instance.StatisticsResponse);
            }
        );
    }
}
