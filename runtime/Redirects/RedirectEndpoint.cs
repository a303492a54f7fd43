using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Redirects;

/// <summary>GET and HEAD /{short_code}: the hot path. A cached link is answered without a task, a lock of ours or an allocation beyond the framework's.</summary>
internal sealed partial class RedirectEndpoint(LinkCache cache, BlocklistFile blocklist, ClickQueue clicks, ClickOptions options, TimeProvider time, ILogger<RedirectEndpoint> logger)
{
    // Browsers come back for every click; a CDN may answer for five minutes (RFC 9213).
    private static readonly StringValues TemporaryCaching = "private, max-age=0";
    private static readonly StringValues PermanentCaching = "public, max-age=300";
    private static readonly StringValues CdnCaching = "max-age=300";

    /// <summary>Answers a request for a short URL.</summary>
    public Task HandleAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        var code = (string)context.Request.RouteValues["short_code"]!;
        if (!ShortCode.IsValid(code))
            return RefuseAsync(context, Problem.UrlNotFound, started);
        return cache.TryGet(code, out var link) ? AnswerAsync(context, link, started) : LoadAndAnswerAsync(context, code, started);
    }

    private async Task LoadAndAnswerAsync(HttpContext context, string code, long started)
    {
        CachedLink link;
        try
        {
            link = await cache.LoadAsync(code, context.RequestAborted);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The visitor left; nobody reads an answer.
            return;
        }
        // Whatever it is, a visitor gets a page and not a broken connection.
        catch (Exception error)
        {
            Log.LoadFailed(logger, error);
            await RefuseAsync(context, Problem.Unavailable, started);
            return;
        }

        await AnswerAsync(context, link, started);
    }

    private Task AnswerAsync(HttpContext context, CachedLink link, long started)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (!link.Exists)
            return RefuseAsync(context, Problem.UrlNotFound, started);
        if (link.IsBlocked(blocklist.Current))
            return RefuseAsync(context, PublicPages.Blocked, started);
        if (link.ExpiresAt <= now)
            return RefuseAsync(context, Problem.UrlExpired, started);

        var response = context.Response;
        var isPermanent = link.RedirectType is StatusCodes.Status301MovedPermanently or StatusCodes.Status308PermanentRedirect;
        response.StatusCode = link.RedirectType;
        response.Headers.Location = link.Location;
        response.Headers.CacheControl = isPermanent ? PermanentCaching : TemporaryCaching;
        response.Headers["CDN-Cache-Control"] = CdnCaching;
        if (HttpMethods.IsGet(context.Request.Method))
            Capture(context, link.ShortCode, now);
        RedirectMetrics.Found.Inc();
        RedirectMetrics.Seconds.Observe(Stopwatch.GetElapsedTime(started).TotalSeconds);
        return Task.CompletedTask;
    }

    private void Capture(HttpContext context, string shortCode, long now)
    {
        var headers = context.Request.Headers;
        clicks.Add(new Click(
            shortCode,
            now,
            context.Connection.RemoteIpAddress,
            HeaderText.Cut(headers.Referer, HeaderText.Long),
            HeaderText.Cut(headers.UserAgent, HeaderText.Long),
            HeaderText.Cut(headers["Sec-CH-UA-Mobile"], HeaderText.Hint),
            HeaderText.Cut(headers["Sec-CH-UA-Platform"], HeaderText.Hint),
            options.CountryHeader is { } country && TrustedProxies.IsTrusted(context) ? HeaderText.Country(headers[country]) : null,
            headers["DNT"] == "1" || headers["Sec-GPC"] == "1"));
    }

    private static Task RefuseAsync(HttpContext context, Problem problem, long started)
    {
        var counter = problem.Status switch
        {
            StatusCodes.Status404NotFound => RedirectMetrics.NotFound,
            StatusCodes.Status410Gone => RedirectMetrics.Expired,
            StatusCodes.Status451UnavailableForLegalReasons => RedirectMetrics.Blocked,
            _ => RedirectMetrics.Failed,
        };
        counter.Inc();
        RedirectMetrics.Seconds.Observe(Stopwatch.GetElapsedTime(started).TotalSeconds);
        return PublicPages.WriteAsync(context, problem);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "A link could not be loaded; its visitor was told to try again")]
        public static partial void LoadFailed(ILogger logger, Exception error);
    }
}
