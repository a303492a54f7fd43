using System.Buffers;
using System.Globalization;
using UrlShortener.Runtime.Access;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Statistics;

/// <summary>/api/v1/urls/{short_code}/stats.csv and /api/v1/urls/{short_code}/clicks.csv.</summary>
internal sealed partial class ExportEndpoints(
    ClickStatistics statistics,
    ClickExport export,
    OwnLinks own,
    ExportOptions options,
    TimeProvider time,
    ILogger<ExportEndpoints> logger
)
{
    /// <summary>Content type of the answers.</summary>
    public const string Csv = "text/csv";

    private const int RetrySeconds = 5;

    private static readonly Problem NeedsHttp11 = Problem.Of(
        StatusCodes.Status400BadRequest,
        ErrorCode.InvalidRequest,
        "This answer needs HTTP/1.1 or later: in HTTP/1.0 a broken transfer looks like a complete one. A proxy in between may be the cause; in nginx set "
            + "proxy_http_version 1.1."
    );

    private static readonly Problem OneOfUser = Problem.Of(
        StatusCodes.Status429TooManyRequests,
        ErrorCode.RateLimitExceeded,
        "An export of yours is under way. Wait until it is complete, then try again."
    ) with
    {
        RetryAfter = RetrySeconds,
    };

    private static readonly Problem AllTaken = Problem.Unavailable with
    {
        Error = "Exports of other users are under way. Try again in a moment.",
        RetryAfter = RetrySeconds,
    };

    private readonly ExportTurns _turns = new(options.MaxConcurrent);
    private readonly Occasion _failures = new(time, TimeSpan.FromSeconds(10));

    /// <summary>GET /api/v1/urls/{short_code}/stats.csv</summary>
    public Task GetStatisticsAsync(HttpContext context) =>
        AnswerAsync(
            context,
            StatisticsQuery.Read,
            async (link, query) =>
            {
                var response = await statistics.ReadAsync(link.ShortCode, query, Caller.RequiredUserOf(context).Id, context.RequestAborted);
                var file = new ArrayBufferWriter<byte>();
                StatisticsCsv.Write(file, response);
                SetHeaders(context, $"{link.ShortCode}-statistics.csv");
                // Of known length: a part of it does not look whole.
                await Reply.WriteAsync(context, file.WrittenSpan.ToArray(), context.Response.ContentType!);
            }
        );

    /// <summary>GET /api/v1/urls/{short_code}/clicks.csv</summary>
    public Task GetClicksAsync(HttpContext context) =>
        AnswerAsync(
            context,
            StatisticsQuery.ReadRange,
            async (link, query) =>
            {
                if (HttpProtocol.IsHttp10(context.Request.Protocol))
                {
                    await NeedsHttp11.WriteAsync(context);
                    return;
                }

                var user = Caller.RequiredUserOf(context).Id;
                var turn = _turns.TryBegin(user);
                if (turn != ExportTurn.Begun)
                {
                    await (turn == ExportTurn.UserHasOne ? OneOfUser : AllTaken).WriteAsync(context);
                    return;
                }

                try
                {
                    await ExportAsync(context, link, query, user);
                }
                finally
                {
                    _turns.End(user);
                }
            }
        );

    private async Task ExportAsync(HttpContext context, Link link, StatisticsQuery query, long user)
    {
        using var limit = new CancellationTokenSource(options.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, context.RequestAborted);
        try
        {
            var (count, isTooLarge) = await export.CountAsync(link.ShortCode, query, user, both.Token);
            if (isTooLarge)
            {
                await TooLarge().WriteAsync(context);
                return;
            }

            await export.WriteAsync(
                link.ShortCode,
                query,
                count,
                user,
                () => SetHeaders(context, $"{link.ShortCode}-clicks.csv"),
                context.Response.BodyWriter,
                both.Token
            );
            ExportMetrics.Complete.Inc();
        }
        catch (Exception error) when (context.Response.HasStarted)
        {
            var hasLeft = context.RequestAborted.IsCancellationRequested;
            (
                hasLeft ? ExportMetrics.Left
                : limit.IsCancellationRequested ? ExportMetrics.TimedOut
                : ExportMetrics.Failed
            ).Inc();
            if (!hasLeft && _failures.TryPass(out var failures))
                Log.Broken(logger, error, failures);
            // The end of the body would say that it is complete.
            context.Abort();
        }
        catch (OperationCanceledException error) when (limit.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            throw new QueryLimitException("The export had no first page within Exports:Timeout.", error);
        }
    }

    private Problem TooLarge() =>
        Problem.Of([
            new FieldError(
                "start_date",
                ErrorCode.InvalidRequest,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"start_date and end_date must have at most {options.MaxRows:#,0} clicks between them. Export a shorter range, and the rest in others."
                )
            ),
        ]);

    private async Task AnswerAsync(
        HttpContext context,
        Func<IQueryCollection, DateTimeOffset, List<FieldError>, StatisticsQuery?> read,
        Func<Link, StatisticsQuery, Task> answer
    )
    {
        var errors = new List<FieldError>();
        var query = read(context.Request.Query, time.GetUtcNow(), errors);
        var (link, problem) = await own.FindAsync(context);
        if ((problem ?? (errors.Count > 0 ? Problem.Of(errors) : null)) is { } refused)
            await refused.WriteAsync(context);
        else
            await StatisticsProblems.GuardAsync(context, () => answer(link!, query!));
    }

    private static void SetHeaders(HttpContext context, string name)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = $"{Csv}; charset=utf-8; header=present";
        // Codes have letters, digits, '-' and '_' only.
        response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Broke off the export of a link's clicks; {Count} since the last such line")]
        public static partial void Broken(ILogger logger, Exception error, long count);
    }
}
