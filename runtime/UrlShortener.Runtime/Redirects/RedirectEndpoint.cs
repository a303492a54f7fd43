using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Prometheus;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Redirects;

/// <summary>/{short_code}: the hot path. Answering a cached link takes no task, no lock of ours and no allocation beyond the framework's.</summary>
internal sealed partial class RedirectEndpoint(
    LinkCache cache,
    BlocklistFile blocklist,
    ClickQueue clicks,
    ClickOptions options,
    RedirectOptions redirects,
    OwnPages pages,
    TrustedProxies proxies,
    IFailureClassifier failures,
    TimeProvider time,
    ILogger<RedirectEndpoint> logger
)
{
    private const string GetAndHead = "GET, HEAD";

    private readonly RedirectCaching _caching = new(redirects.EdgeTtl);
    private readonly Occasion _failures = new(time, TimeSpan.FromSeconds(1));

    /// <summary>
    /// Answers a request for a link that was asked for a moment ago: before routing and before the headers of proxies are applied, each of which costs more
    /// than the answer. Everything else is left to <see cref="HandleAsync(HttpContext)"/>, and so is a request with a span, which is named after its route.
    /// </summary>
    public bool TryHandleHot(HttpContext context, [NotNullWhen(true)] out Task? answer)
    {
        var started = Stopwatch.GetTimestamp();
        answer =
            context.Request.Path.Value is ['/', _, ..] path
            && Activity.Current is null
            && cache.TryGetHot(path.AsSpan(1), started, out var link)
            && proxies.TryFindVisitor(context, out var visitor)
                ? AnswerAsync(context, visitor, link, RedirectMetrics.MemorySeconds, started)
                : null;
        return answer is not null;
    }

    /// <summary>Answers a request for a short URL.</summary>
    public Task HandleAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        var code = (string)context.Request.RouteValues["short_code"]!;
        return ShortCode.IsValid(code) ? HandleAsync(context, code, started) : HandleMalformedAsync(context, code, started);
    }

    private Task HandleAsync(HttpContext context, string code, long started) =>
        cache.TryGet(code, out var link)
            ? AnswerAsync(context, Visitor.Of(context), link, RedirectMetrics.MemorySeconds, started)
            : LoadAndAnswerAsync(context, code, started);

    private Task HandleMalformedAsync(HttpContext context, string text, long started)
    {
        if (ShortCode.FindBeforeGlue(text) is { } code)
            return HandleAsync(context, code, started);
        return RefuseUnknownAsync(context, RedirectMetrics.UnansweredSeconds, started);
    }

    private async Task LoadAndAnswerAsync(HttpContext context, string code, long started)
    {
        CachedLink link;
        try
        {
            link = await cache.LoadAsync(code, context.RequestAborted);
        }
        // The visitor disconnected; nobody reads an answer. What failed meanwhile is not what this request shows.
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            Count(RedirectMetrics.Aborted, RedirectMetrics.UnansweredSeconds, started);
            return;
        }
        // After any error, the visitor gets a page and not a broken connection.
        catch (Exception error)
        {
            if (_failures.TryPass(out var count))
            {
                // When a store is unreachable, the message is enough.
                if (failures.IsUnavailable(error))
                    Log.StoreFailed(logger, count, error.Message);
                else
                    Log.LoadFailed(logger, error, count);
            }

            await RefuseAsync(context, Problem.Unavailable, RedirectMetrics.UnansweredSeconds, started);
            return;
        }

        await AnswerAsync(context, Visitor.Of(context), link, RedirectMetrics.SecondsOf(link.Origin), started);
    }

    private Task AnswerAsync(HttpContext context, Visitor visitor, CachedLink link, Histogram.Child tier, long started)
    {
        try
        {
            return Answer(context, visitor, link, tier, started);
        }
        // The server answers 500. No middleware runs that would count it.
        catch
        {
            Count(RedirectMetrics.Error, tier, started);
            throw;
        }
    }

    private Task Answer(HttpContext context, Visitor visitor, CachedLink link, Histogram.Child tier, long started)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (!link.Exists)
            return RefuseUnknownAsync(context, tier, started);
        if (link.IsBlocked(blocklist.Current))
            return RefuseAsync(context, PublicPages.Blocked, tier, started);
        if (link.ExpiresAt <= now)
            return RefuseAsync(context, Problem.UrlExpired, tier, started);

        var isGet = HttpMethods.IsGet(context.Request.Method);
        // 307 and 308 keep any method. After 301 or 302, a client changes the method to GET or asks the user.
        if (!isGet && link.RedirectType is StatusCodes.Status301MovedPermanently or StatusCodes.Status302Found && !HttpMethods.IsHead(context.Request.Method))
            return RefuseMethodAsync(context, GetAndHead, tier, started);

        var response = context.Response;
        var isPermanent = link.RedirectType is StatusCodes.Status301MovedPermanently or StatusCodes.Status308PermanentRedirect;
        response.StatusCode = link.RedirectType;
        response.Headers.Location = link.Location;
        _caching.Apply(response.Headers, isPermanent, link.ExpiresAt - now);
        if (isGet || IsClick(context.Request.Method))
            Capture(context, visitor, link.ShortCode, now);
        Count(RedirectMetrics.Found(link.RedirectType), tier, started);
        return Task.CompletedTask;
    }

    private void Capture(HttpContext context, Visitor visitor, string shortCode, long now)
    {
        var headers = context.Request.Headers;
        clicks.Add(
            new Click(
                shortCode,
                now,
                visitor.Address,
                HeaderText.Cut(headers.Referer, HeaderText.Long),
                HeaderText.Cut(headers.UserAgent, HeaderText.Long),
                HeaderText.Cut(headers["Sec-CH-UA-Mobile"], HeaderText.Hint),
                HeaderText.Cut(headers["Sec-CH-UA-Platform"], HeaderText.Hint),
                options.CountryHeader is { } country && visitor.IsBehindProxy ? HeaderText.Country(headers[country]) : null,
                headers["DNT"] == "1" || headers["Sec-GPC"] == "1",
                Speculation.IsTold(headers)
            )
        );
    }

    // HEAD and OPTIONS ask about a link, TRACE about the path to it. Every other method that a redirect passes on counts as a click.
    private static bool IsClick(string method) => !HttpMethods.IsHead(method) && !HttpMethods.IsOptions(method) && !HttpMethods.IsTrace(method);

    // No link has this code, so there is nothing to GET and no redirect that would keep another method. The path may still be one of our own pages.
    private Task RefuseUnknownAsync(HttpContext context, Histogram.Child tier, long started)
    {
        var method = context.Request.Method;
        if (HttpMethods.IsGet(method))
            return RefuseAsync(context, Problem.UrlNotFound, tier, started);
        if (pages.FindMethods(context.Request.Path) is { } allow)
            return RefuseMethodAsync(context, allow, tier, started);
        return HttpMethods.IsHead(method) ? RefuseAsync(context, Problem.UrlNotFound, tier, started) : RefuseMethodAsync(context, GetAndHead, tier, started);
    }

    private static Task RefuseMethodAsync(HttpContext context, string allow, Histogram.Child tier, long started)
    {
        Count(RedirectMetrics.NotAllowed, tier, started);
        context.Response.Headers.Allow = allow;
        return Problem.MethodNotAllowed(context.Request.Method, allow).WriteAsync(context);
    }

    private static Task RefuseAsync(HttpContext context, Problem problem, Histogram.Child tier, long started)
    {
        var result = problem.Status switch
        {
            StatusCodes.Status404NotFound => RedirectMetrics.NotFound,
            StatusCodes.Status410Gone => RedirectMetrics.Expired,
            StatusCodes.Status451UnavailableForLegalReasons => RedirectMetrics.Blocked,
            _ => RedirectMetrics.Unavailable,
        };
        Count(result, tier, started);
        return PublicPages.WriteAsync(context, problem);
    }

    private static void Count(RedirectResult result, Histogram.Child tier, long started)
    {
        result.Count();
        tier.Observe(Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot load a link; {Count} visitors got 503 since the last such line")]
        public static partial void LoadFailed(ILogger logger, Exception error, long count);

        [LoggerMessage(2, LogLevel.Warning, "Cannot load a link; {Count} visitors got 503 since the last such line: {Reason}")]
        public static partial void StoreFailed(ILogger logger, long count, string reason);
    }
}
