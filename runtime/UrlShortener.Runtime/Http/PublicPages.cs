using System.Text;

namespace UrlShortener.Runtime.Http;

/// <summary>Answers for people when a link cannot be followed: a short page for browsers, problem details for other clients.</summary>
internal static class PublicPages
{
    /// <summary>The target is on the blocklist (RFC 7725).</summary>
    public static readonly Problem Blocked = Problem.Of(
        StatusCodes.Status451UnavailableForLegalReasons,
        ErrorCode.UrlBlocked,
        "URL is blocked: its target was reported as harmful"
    );

    /// <summary>Address of the icon that browsers show next to the title.</summary>
    public const string IconPath = "/favicon.svg";

    private static readonly byte[] Icon = Encoding.UTF8.GetBytes(
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#14532d"/><path d="M13 19l6-6M11 15l-2 2a4 4 0 0 0 6 6l2-2M21 17l2-2a4 4 0 0 0-6-6l-2 2" fill="none" stroke="#fff" stroke-width="2.5" stroke-linecap="round"/></svg>
        """
    );

    private static readonly byte[] NotFoundPage = Page(
        "Link not found",
        "There is no link at this address. Check it for typing errors, or ask whoever sent it."
    );
    private static readonly byte[] ExpiredPage = Page(
        "Link expired",
        "This link was made for a limited time, and that time is over. Ask whoever sent it for a new one."
    );
    private static readonly byte[] BlockedPage = Page("Link blocked", "The page behind this link was reported as harmful, so we do not take you there.");
    private static readonly byte[] UnavailablePage = Page(
        "Try again in a moment",
        "This link cannot be looked up right now. Nothing is wrong with it; please try again shortly."
    );

    /// <summary>The page of the root address.</summary>
    public static readonly byte[] Home = Page(
        "URL shortener",
        "Short links live here. The API is described at <a href=\"/docs\">/docs</a>, its OpenAPI document is at <a "
            + "href=\"/openapi/v1.json\">/openapi/v1.json</a>."
    );

    /// <summary>Answers with a problem as HTML or JSON, whichever the client accepts.</summary>
    public static Task WriteAsync(HttpContext context, Problem problem)
    {
        context.Response.Headers.Vary = "Accept";
        if (!AcceptsHtml(context.Request))
            return problem.WriteAsync(context);
        if (problem.RetryAfter is not null)
            context.Response.Headers.RetryAfter = "1";
        context.Response.Headers.CacheControl = "no-store";
        var page = problem.Status switch
        {
            StatusCodes.Status410Gone => ExpiredPage,
            StatusCodes.Status451UnavailableForLegalReasons => BlockedPage,
            StatusCodes.Status503ServiceUnavailable => UnavailablePage,
            _ => NotFoundPage,
        };
        return WritePageAsync(context, problem.Status, page);
    }

    /// <summary>Answers with the icon, also at the address that browsers request by default.</summary>
    public static Task WriteIconAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "public, max-age=86400";
        return Reply.WriteAsync(context, Icon, "image/svg+xml");
    }

    /// <summary>Answers with a page that may not load any resource.</summary>
    public static Task WritePageAsync(HttpContext context, int status, byte[] page)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        return Reply.WriteAsync(context, page, "text/html; charset=utf-8");
    }

    /// <summary>Whether the client is a browser: browsers accept text/html, API clients do not ask for it.</summary>
    public static bool AcceptsHtml(HttpRequest request) => request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    /// <summary>Builds a page.</summary>
    /// <param name="title">Its title and heading.</param>
    /// <param name="text">The text below the heading, as HTML.</param>
    /// <param name="element">The element around the text.</param>
    internal static byte[] Page(string title, string text, string element = "p") =>
        Encoding.UTF8.GetBytes(
            $$"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="robots" content="noindex">
            <title>{{title}}</title>
            <style>
            :root { color-scheme: light dark; font: 1.0625rem/1.6 system-ui, sans-serif }
            body { margin: 0; min-height: 100vh; display: grid; place-items: center }
            main { max-width: 32rem; padding: 2rem }
            h1 { margin: 0 0 .5rem; font-size: 1.75rem; line-height: 1.25 }
            p { margin: 0 }
            dt { margin-top: 1rem }
            dt:target { font-weight: bold }
            dd { margin: 0 }
            </style>
            </head>
            <body>
            <main>
            <h1>{{title}}</h1>
            <{{element}}>{{text}}</{{element}}>
            </main>
            </body>
            </html>

            """
        );
}
