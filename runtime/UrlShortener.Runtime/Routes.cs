using Microsoft.OpenApi;
using Prometheus;
using Scalar.AspNetCore;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Access;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.OpenApi;
using UrlShortener.Runtime.QrCodes;
using UrlShortener.Runtime.Redirects;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime;

/// <summary>Every address of the product, and its description in the OpenAPI document.</summary>
internal static class Routes
{
    private const string QrCodes = "QR codes";
    private const string Urls = "URLs";

    private static readonly string[] Get = [HttpMethods.Get];
    private static readonly string[] GetOrHead = [HttpMethods.Get, HttpMethods.Head];
    private static readonly string[] Redirect = ["Location", "Cache-Control"];
    private static readonly Dictionary<string, string[]> Export = new() { ["200"] = ["Content-Disposition"] };
    private static readonly Parameter[] IdempotencyKeys =
    [
        new(
            "Idempotency-Key",
            "Makes a retry safe: for 24 hours the same request under the same key gets the same answer.",
            In: ParameterLocation.Header,
            Example: "order-4711"
        ),
        new("X-Idempotency-Key", "The same under its former name.", In: ParameterLocation.Header, Example: "order-4711"),
    ];

    private static readonly Parameter[] StatisticsParameters =
    [
        new("start_date", "First day, such as 2030-01-31, or a time, such as 2030-01-31T12:00:00Z. Default: 30 days before the end.", Example: "2030-01-01"),
        new("end_date", "Last day, included, or a time, not included. Default: now.", Example: "2030-01-31"),
        new("granularity", "Width of a bucket. By the hour at most 92 days.", Values: ["hour", "day", "week"], Default: "day"),
        new("time_zone", "IANA name of the time zone whose days are counted.", Default: "UTC", Example: "Europe/Berlin"),
    ];
    private static readonly Parameter[] RangeParameters = [.. StatisticsParameters.Where(parameter => parameter.Name != "granularity")];

    /// <summary>Maps redirects and the API.</summary>
    public static void MapLinks(this WebApplication app)
    {
        MapPublic(app);
        MapApi(app);
        app.MapOpenApi().ExcludeFromDescription();
        app.Map(DocsPage.Path, DocsPage.WriteAsync, GetOrHead).ExcludeFromDescription();
        // Serves the script of the page.
        app.MapScalarApiReference(DocsPage.Path).ExcludeFromDescription();
    }

    /// <summary>Maps the endpoints that every role has: health, probes and metrics.</summary>
    public static void MapOperations(this WebApplication app)
    {
        var health = app.Services.GetRequiredService<HealthEndpoints>();
        app.Map("/health", health.GetAsync, GetOrHead)
            .Describe("getHealth", "Health", "State of the service and its components", "503 when the service cannot do its work; `degraded` is still 200.")
            .Produces<HealthResponse>(200)
            // Sent by the server itself, for every endpoint.
            .Produces(431)
            .Produces<HealthResponse>(503);
        app.Map("/health/live", HealthEndpoints.LiveAsync, GetOrHead).WithMetadata(NoTraffic.Instance).ExcludeFromDescription();
        app.Map("/health/ready", health.ReadyAsync, GetOrHead).WithMetadata(NoTraffic.Instance).ExcludeFromDescription();
        app.Map("/health/startup", HealthEndpoints.StartupAsync, GetOrHead).WithMetadata(NoTraffic.Instance).ExcludeFromDescription();
        app.MapMetrics().WithMetadata(new HttpMethodMetadata(GetOrHead), NoTraffic.Instance).ExcludeFromDescription();
        app.Map(ErrorPage.Path, ErrorPage.WriteAsync, GetOrHead).ExcludeFromDescription();
    }

    private static void MapPublic(WebApplication app)
    {
        var redirects = app.Services.GetRequiredService<RedirectEndpoint>();
        // Short-circuited: no middleware runs between routing and the hot path. One endpoint without methods: with two, routing would choose on each request.
        app.Map("/{short_code}", redirects.HandleAsync).ExcludeFromDescription().ShortCircuit();
        // Only for the OpenAPI document, which needs methods.
        app.Map("/{short_code}", redirects.HandleAsync, GetOrHead)
            .WithMetadata(new SuppressMatchingMetadata())
            .Describe(
                RedirectMetrics.Operation,
                "Redirects",
                "Follow a link",
                "Redirects to the target with the status that the link's creator chose. Where there is none, a browser (an `Accept` with `text/html`) "
                    + "gets a page, others get problem details.",
                headers: new()
                {
                    ["301"] = Redirect,
                    ["302"] = Redirect,
                    ["307"] = Redirect,
                    ["308"] = Redirect,
                },
                hasPages: true
            )
            .Produces(301)
            .Produces(302)
            .Produces(307)
            .Produces(308)
            .ProducesProblems(404, 410, 451, 503);
        app.Map("/", context => PublicPages.WritePageAsync(context, StatusCodes.Status200OK, PublicPages.Home), GetOrHead).ExcludeFromDescription();
        app.Map(PublicPages.IconPath, PublicPages.WriteIconAsync, GetOrHead).ExcludeFromDescription();
        app.Map("/favicon.ico", PublicPages.WriteIconAsync, GetOrHead).ExcludeFromDescription();
        app.Map("/robots.txt", context => Reply.WriteAsync(context, "User-agent: *\nDisallow: /api/\n"u8.ToArray(), "text/plain"), GetOrHead)
            .ExcludeFromDescription();
    }

    private static void MapApi(WebApplication app)
    {
        var links = app.Services.GetRequiredService<LinkEndpoints>();
        app.Map("/api/v1/urls", links.CreateAsync, [HttpMethods.Post])
            .RequireAccess(AccessLevel.Anonymous)
            .Describe(
                "createLink",
                Urls,
                "Create a link",
                "Works without a credential, too; such a link belongs to nobody and cannot be changed.",
                IdempotencyKeys,
                new() { ["201"] = ["Location"] }
            )
            .Accepts<CreateLinkRequest>(Reply.Json)
            .Produces<CreateLinkResponse>(201)
            .ProducesProblems(400, 401, 403, 408, 409, 413, 415, 421, 422, 429, 503);
        app.Map("/api/v1/urls/bulk", links.CreateManyAsync, [HttpMethods.Post])
            .RequireAccess(AccessLevel.User)
            .Describe(
                "createLinks",
                Urls,
                "Create many links",
                "Each link succeeds or fails on its own: 201 when all were created, 207 otherwise.",
                IdempotencyKeys
            )
            .Accepts<BulkRequest>(Reply.Json)
            .Produces<BulkResponse>(201)
            .Produces<BulkResponse>(207)
            .ProducesProblems(400, 401, 408, 413, 415, 421, 422, 429, 503);
        app.Map("/api/v1/urls", links.ListAsync, Get)
            .RequireAccess(AccessLevel.User)
            .Describe(
                "listLinks",
                Urls,
                "List your links",
                "Newest first by default. All given parameters must match. A search of many links takes several pages, some of which may have no links: ask "
                    + "with `next_cursor` until it is null.",
                [
                    new("limit", "Links in a page.", JsonSchemaType.Integer, Minimum: "1", Maximum: "100", Default: 20),
                    new("cursor", "The `next_cursor` of the previous page, with the same `sort` and `order`."),
                    new(
                        "sort",
                        "The time that links are sorted by. Links that never expire count as those that expire last.",
                        Values: ["created_at", "expires_at"],
                        Default: "created_at"
                    ),
                    new("order", "`desc`: latest first; `asc`: earliest first.", Values: ["desc", "asc"], Default: "desc"),
                    new("code", "Only codes that begin with this text.", Example: "spr"),
                    new("target", "Only targets that contain this text.", Example: "example.com"),
                    new(
                        "metadata",
                        "Only links with this member of their metadata, as `name:value`. May be given up to ten times.",
                        IsList: true,
                        Pattern: "^[^:]+:",
                        Example: "campaign:spring"
                    ),
                    new("status", "Only links in this state.", Values: LinkStatuses.Words),
                    new("is_active", "Only links that are active, or only those that were deactivated.", JsonSchemaType.Boolean),
                    Moment("created_after", "Only links created at this time or later."),
                    Moment("created_before", "Only links created before this time."),
                    Moment("expires_after", "Only links that expire at this time or later. Links that never expire are left out."),
                    Moment("expires_before", "Only links that expire before this time."),
                ]
            )
            .Produces<LinkListResponse>(200)
            .ProducesProblems(400, 401, 421, 429, 503);
        app.Map("/api/v1/urls/{short_code}", links.GetAsync, Get)
            .RequireAccess(AccessLevel.User)
            .Describe("getLink", Urls, "Get a link and its recent clicks", "Its owner gets it in any state; others get 410 for an expired link.")
            .Produces<LinkDetailResponse>(200)
            .ProducesProblems(401, 403, 404, 410, 421, 429, 503);
        app.Map("/api/v1/urls/{short_code}", links.UpdateAsync, [HttpMethods.Patch])
            .RequireAccess(AccessLevel.User)
            .Describe(
                "updateLink",
                Urls,
                "Change a link",
                "The content type decides what null means. In `application/json` it is the same as leaving the member out, and `never_expires` removes "
                    + "the expiry. "
                    + "In `application/merge-patch+json` (RFC 7396) null removes a member; `expires_at` and `metadata` can be removed."
            )
            .Accepts<UpdateLinkRequest>(Reply.Json, LinkEndpoints.MergePatch)
            .Produces<UpdateLinkResponse>(200)
            .ProducesProblems(400, 401, 403, 404, 408, 413, 415, 421, 429, 503);
        app.Map("/api/v1/urls/{short_code}", links.DeleteAsync, [HttpMethods.Delete])
            .RequireAccess(AccessLevel.User)
            .Describe("deleteLink", Urls, "Delete a link", "From then on the link answers 404. Its code is never used again.")
            .Produces(204)
            .ProducesProblems(401, 403, 404, 421, 429, 503);

        var statistics = app.Services.GetRequiredService<StatisticsEndpoints>();
        var trending = app.Services.GetRequiredService<TrendingEndpoint>();
        app.Map("/api/v1/urls/trending", trending.GetAsync, Get)
            .RequireAccess(AccessLevel.User)
            .Describe(
                "listTrendingLinks",
                Urls,
                "List your links that people follow most now",
                "Links that people followed in the last hour, most clicks first.",
                [new("limit", "Most links in the answer.", JsonSchemaType.Integer, Minimum: "1", Maximum: "100", Default: 20)]
            )
            .Produces<TrendingResponse>(200)
            .ProducesProblems(400, 401, 421, 429, 503);
        app.Map("/api/v1/urls/{short_code}/stats", statistics.GetAsync, Get)
            .RequireAccess(AccessLevel.User)
            .Describe(
                "getStatistics",
                Urls,
                "Count the clicks of a link",
                "Counts people, except in `bots`. Buckets without clicks are included. Clicks are counted about a second after they happen; on a busy service "
                    + "up to half a minute later.",
                StatisticsParameters
            )
            .Produces<StatisticsResponse>(200)
            .ProducesProblems(400, 401, 403, 404, 410, 421, 429, 503);

        var exports = app.Services.GetRequiredService<ExportEndpoints>();
        app.Map("/api/v1/urls/{short_code}/stats.csv", exports.GetStatisticsAsync, Get)
            .RequireAccess(AccessLevel.User)
            .Describe(
                "exportStatistics",
                Urls,
                "Export the statistics of a link",
                "The numbers of `getStatistics` as CSV, one in each record, under the same names.",
                StatisticsParameters,
                Export
            )
            .WithMetadata(new ProducesResponseTypeMetadata(200, typeof(string), [ExportEndpoints.Csv]))
            .ProducesProblems(400, 401, 403, 404, 410, 421, 429, 503);
        app.Map("/api/v1/urls/{short_code}/clicks.csv", exports.GetClicksAsync, Get)
            .RequireAccess(AccessLevel.User)
            .Describe(
                "exportClicks",
                Urls,
                "Export the clicks of a link",
                "Single clicks as CSV, as far back as they are kept. One export per user at a time. A range with too many clicks gets 400. An export that fails "
                    + "midway ends with the connection: the body then has no end, or no last chunk.",
                RangeParameters,
                Export
            )
            .WithMetadata(new ProducesResponseTypeMetadata(200, typeof(string), [ExportEndpoints.Csv]))
            .ProducesProblems(400, 401, 403, 404, 410, 421, 429, 503);

        var qrCodes = app.Services.GetRequiredService<QrCodeEndpoint>();
        app.Map("/api/v1/urls/{short_code}/qr", qrCodes.GetAsync, GetOrHead)
            .RequireAccess(AccessLevel.Open)
            .Describe(
                "getQrCode",
                QrCodes,
                "Get the short URL as a picture",
                "A QR code. Needs no credential, since pages embed it.",
                [
                    new("format", "Format of the picture.", Values: ["png", "svg"], Default: "png"),
                    new("size", "Width and height in pixels.", JsonSchemaType.Integer, Minimum: "64", Maximum: "2048", Default: 300),
                    new("error_correction", "Share of the picture that may be lost: 7, 15, 25 or 30 %.", Values: ["L", "M", "Q", "H"], Default: "M"),
                    new(
                        "margin",
                        "White border in modules. Exact in an SVG. In a PNG at least as wide: each module has the same whole number of pixels, and the "
                            + "border takes the remaining pixels.",
                        JsonSchemaType.Integer,
                        Minimum: "0",
                        Maximum: "16",
                        Default: 4
                    ),
                ],
                new() { ["200"] = ["ETag", "Cache-Control"], ["304"] = ["ETag", "Cache-Control"] }
            )
            .WithMetadata(new ProducesResponseTypeMetadata(200, typeof(byte[]), ["image/png", "image/svg+xml"]))
            .Produces(304)
            .ProducesProblems(400, 404, 421, 429, 503);
    }

    private static RouteHandlerBuilder Map(this WebApplication app, string pattern, RequestDelegate handler, string[] methods)
    {
        // The document generator includes only endpoints with a MethodInfo in their metadata; a RequestDelegate adds none by itself.
        var builder = app.MapMethods(pattern, methods, handler);
        builder.WithMetadata(handler.Method);
        return new RouteHandlerBuilder([builder]);
    }

    private static RouteHandlerBuilder Describe(
        this RouteHandlerBuilder builder,
        string operationId,
        string tag,
        string summary,
        string description,
        IReadOnlyList<Parameter>? parameters = null,
        Dictionary<string, string[]>? headers = null,
        bool hasPages = false
    ) =>
        builder
            .WithMetadata(
                new Described(operationId, summary, description, parameters, headers, hasPages),
                new MeasuredOperation(operationId, isTimed: tag is Urls or QrCodes)
            )
            .WithTags(tag);

    private static Parameter Moment(string name, string description) => new(name, description, Format: "date-time", Example: "2030-01-31T12:00:00Z");

    private static RouteHandlerBuilder ProducesProblems(this RouteHandlerBuilder builder, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses)
            builder.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(Problem), ["application/problem+json"]));
        return builder;
    }
}
