using System.Text.Json;
using Microsoft.Net.Http.Headers;
using UrlShortener.Runtime.Access;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.RateLimiting;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Links;

/// <summary>/api/v1/urls: create, read, list, change, delete.</summary>
internal sealed class LinkEndpoints(
    ILinkStore store,
    LinkService service,
    LinkRules rules,
    OwnLinks own,
    IRecentClicks recentClicks,
    LinkOptions options,
    BodyBudget bodies,
    TimeProvider time
)
{
    /// <summary>Type of a merge patch, RFC 7396: null removes a member.</summary>
    public const string MergePatch = "application/merge-patch+json";

    /// <summary>Most links in a page of a list.</summary>
    public const int MaxPage = 100;

    private const int MaxBody = 128 * 1024;
    private const int BulkBytesPerLink = 8 * 1024;
    private const int DefaultPage = 20;
    private const int MaxTargetFilter = 256;
    private const string IdempotencyHeader = "Idempotency-Key";
    private const string FormerIdempotencyHeader = "X-Idempotency-Key";
    private static readonly HashSet<string> NoMembers = [];
    private static readonly string[] ListParameters =
    [
        "limit",
        "cursor",
        "sort",
        "order",
        "code",
        "target",
        "metadata",
        "status",
        "is_active",
        "created_after",
        "created_before",
        "expires_after",
        "expires_before",
    ];

    private static readonly Problem ListUnavailable = Problem.Unavailable with
    {
        Error = "The list is not available now: the service is busy. Try again in a moment.",
    };

    /// <summary>POST /api/v1/urls</summary>
    public async Task CreateAsync(HttpContext context)
    {
        var (body, problem) = await RequestBody.ReadAsync(context, MaxBody, bodies.Open(CallerOf(context)));
        using var pieces = body;
        var request = problem is null ? RequestBody.Parse(body.Bytes, LinkJson.Instance.CreateLinkRequest) : default;
        var retry = ReadIdempotencyKey(context, body, out var badKey);
        if ((problem ?? ProblemOf(request) ?? badKey) is { } unreadable)
        {
            await unreadable.WriteAsync(context);
            return;
        }

        var now = service.Now();
        var link = rules.Check(request.Value!, context.Request.Host.Host, now, request.Errors);
        if (link.Value is null)
        {
            await (
                await service.FindAnswerAsync(retry, context.RequestAborted) is { } earlier
                    ? WriteAsync(context, earlier)
                    : Problem.Of(link.Errors).WriteAsync(context)
            );
            return;
        }

        var baseUrl = LinkUrls.BaseOf(context);
        var answer = await service.CreateAsync(
            [link.Value],
            Caller.UserOf(context),
            retry,
            links => RenderCreated(links[0], link.Value.Alias, baseUrl, link.Warnings),
            now,
            context.RequestAborted
        );
        await WriteAsync(context, answer);
    }

    /// <summary>POST /api/v1/urls/bulk</summary>
    public async Task CreateManyAsync(HttpContext context)
    {
        var user = Caller.RequiredUserOf(context);
        var limit = user.Tier == Tier.Enterprise ? options.EnterpriseBulkLimit : options.BulkLimit;
        var (body, problem) = await RequestBody.ReadAsync(context, MaxBody + (limit * BulkBytesPerLink), bodies.Open(CallerOf(context)));
        using var pieces = body;
        var request = problem is null ? RequestBody.Parse(body.Bytes, LinkJson.Instance.BulkRequest) : default;
        var retry = ReadIdempotencyKey(context, body, out var badKey);
        if ((problem ?? (request.Errors.Count > 0 ? Problem.Of(request.Errors) : CheckCount(request.Value!, limit)) ?? badKey) is { } unreadable)
        {
            await unreadable.WriteAsync(context);
            return;
        }

        var now = service.Now();
        var items = request.Value!.Urls!.Select(item => (Request: (CreateLinkRequest?)item, Link: CheckItem(item, context.Request.Host.Host, now))).ToList();
        var good = items.Where(item => item.Link.Value is not null).Select(item => item.Link.Value!).ToList();
        var baseUrl = LinkUrls.BaseOf(context);
        var answer =
            good.Count == 0
                ? await service.FindAnswerAsync(retry, context.RequestAborted) ?? new CreateAnswer(RenderBulk(items, [], baseUrl), IsReplay: false)
                : await service.CreateAsync(good, user, retry, links => RenderBulk(items, links, baseUrl), now, context.RequestAborted);
        await WriteAsync(context, answer);
    }

    /// <summary>GET /api/v1/urls</summary>
    public async Task ListAsync(HttpContext context)
    {
        var errors = new List<FieldError>();
        var query = ReadListQuery(context, errors);
        if (errors.Count > 0)
        {
            await Problem.Of(errors).WriteAsync(context);
            return;
        }

        LinkPage page;
        try
        {
            page = await store.ListAsync(query, context.RequestAborted);
        }
        catch (QueryLimitException)
        {
            await ListUnavailable.WriteAsync(context);
            return;
        }

        var baseUrl = LinkUrls.BaseOf(context);
        var response = new LinkListResponse(
            [.. page.Links.Select(link => Describe(link, baseUrl, query.Now))],
            page.Next is { } next ? ListCursor.Write(next, query.Order) : null
        );
        await Reply.WriteJsonAsync(context, StatusCodes.Status200OK, response, LinkJson.Instance.LinkListResponse);
    }

    /// <summary>GET /api/v1/urls/{short_code}</summary>
    public async Task GetAsync(HttpContext context)
    {
        var (link, problem) = await own.FindAsync(context);
        if (problem is not null)
        {
            await problem.WriteAsync(context);
            return;
        }

        var about = Describe(link!, LinkUrls.BaseOf(context), time.GetUtcNow());
        var recent = await recentClicks.TryReadAsync(link!.ShortCode, Caller.RequiredUserOf(context).Id, context.RequestAborted);
        var response = new LinkDetailResponse(
            about.ShortCode,
            about.ShortUrl,
            about.OriginalUrl,
            about.CreatedAt,
            about.ExpiresAt,
            about.Status,
            about.IsActive,
            about.RedirectType,
            about.Metadata,
            about.ClickCount,
            about.LastAccessedAt,
            about.QrCodeUrl,
            recent
        );
        await Reply.WriteJsonAsync(context, StatusCodes.Status200OK, response, LinkJson.Instance.LinkDetailResponse);
    }

    /// <summary>PATCH /api/v1/urls/{short_code}</summary>
    public async Task UpdateAsync(HttpContext context)
    {
        var (body, problem) = await RequestBody.ReadAsync(context, MaxBody, bodies.Open(CallerOf(context)));
        using var pieces = body;
        var request = problem is null ? RequestBody.Parse(body.Bytes, LinkJson.Instance.UpdateLinkRequest) : default;
        if ((problem ?? ProblemOf(request)) is { } unreadable)
        {
            await unreadable.WriteAsync(context);
            return;
        }

        var change = rules.Check(
            request.Value!,
            IsMergePatch(context.Request) ? RequestBody.NullMembers(body.Bytes) : NoMembers,
            context.Request.Host.Host,
            time.GetUtcNow(),
            request.Errors
        );
        if (change.Value is null)
        {
            await Problem.Of(change.Errors).WriteAsync(context);
            return;
        }

        var (result, overQuota) = await service.UpdateAsync(OwnLinks.CodeOf(context), Caller.RequiredUserOf(context), change.Value, context.RequestAborted);
        if ((overQuota is null ? ProblemOf(result.Outcome) : Problem.QuotaExceeded(overQuota)) is { } refused)
        {
            await refused.WriteAsync(context);
            return;
        }

        var response = new UpdateLinkResponse("URL updated", Describe(result.Link!, LinkUrls.BaseOf(context), time.GetUtcNow()));
        await Reply.WriteJsonAsync(context, StatusCodes.Status200OK, response, LinkJson.Instance.UpdateLinkResponse);
    }

    /// <summary>DELETE /api/v1/urls/{short_code}</summary>
    public async Task DeleteAsync(HttpContext context)
    {
        var result = await service.DeleteAsync(OwnLinks.CodeOf(context), Caller.RequiredUserOf(context), context.RequestAborted);
        if (ProblemOf(result.Outcome) is { } refused)
        {
            await refused.WriteAsync(context);
            return;
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static bool IsMergePatch(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals(MergePatch, StringComparison.OrdinalIgnoreCase);

    private static Problem? ProblemOf<T>(ParsedBody<T> body)
        where T : class => body.Value is null ? Problem.Of(body.Errors) : null;

    private static Problem? ProblemOf(LinkChangeOutcome outcome) =>
        outcome switch
        {
            LinkChangeOutcome.Done => null,
            LinkChangeOutcome.NotOwner => Problem.Forbidden,
            _ => Problem.UrlNotFound,
        };

    private static Problem? CheckCount(BulkRequest request, int limit) =>
        request.Urls switch
        {
            null or { Count: 0 } => Problem.Of([new FieldError("urls", ErrorCode.InvalidRequest, "urls must hold at least one link.")]),
            { Count: var count } when count > limit => Problem.Of([
                new FieldError("urls", ErrorCode.InvalidRequest, $"urls holds {count} links; at most {limit} go in one request. Send several."),
            ]),
            _ => null,
        };

    private Checked<NewLink> CheckItem(CreateLinkRequest? item, string host, DateTimeOffset now) =>
        item is null
            ? new Checked<NewLink>(
                null,
                [new FieldError("urls", ErrorCode.InvalidRequest, "An item of urls is null; each must be an object with original_url.")],
                null
            )
            : rules.Check(item, host, now);

    // Anonymous callers are told apart by address, as in rate limiting.
    private static IdempotencyKey? ReadIdempotencyKey(HttpContext context, ReceivedBody body, out Problem? problem)
    {
        problem = null;
        var (name, key) = ReadIdempotencyHeader(context.Request.Headers, out var isContradictory);
        if (name is null)
            return null;
        if (isContradictory)
            problem = Problem.Of([
                new FieldError(name, ErrorCode.InvalidRequest, $"{IdempotencyHeader} and {FormerIdempotencyHeader} have different values. Send one of them."),
            ]);
        else if (!IdempotencyKey.IsValid(key))
            problem = Problem.Of([
                new FieldError(name, ErrorCode.InvalidRequest, $"{name} must have 1 to {IdempotencyKey.MaxLength} printable ASCII characters."),
            ]);
        if (problem is not null)
            return null;

        return IdempotencyKey.Of(CallerOf(context), key, context.Request.Path.Value ?? "", body.Bytes);
    }

    private static string CallerOf(HttpContext context) =>
        Caller.UserOf(context) is { } user ? $"user:{user.Id}" : RateLimiter.AddressKey(context.Connection.RemoteIpAddress);

    // The same header under the standard's name and the specification's.
    private static (string? Name, string Key) ReadIdempotencyHeader(IHeaderDictionary headers, out bool isContradictory)
    {
        var hasOne = headers.TryGetValue(IdempotencyHeader, out var one);
        var hasOther = headers.TryGetValue(FormerIdempotencyHeader, out var other);
        isContradictory = hasOne && hasOther && one.ToString() != other.ToString();
        return hasOne ? (IdempotencyHeader, one.ToString())
            : hasOther ? (FormerIdempotencyHeader, other.ToString())
            : (null, "");
    }

    private static StoredReply RenderCreated(LinkCreation creation, string? alias, string baseUrl, IReadOnlyList<string>? warnings)
    {
        if (creation.Link is not { } link)
        {
            var refused = creation.OverQuota is { } overQuota
                ? Problem.QuotaExceeded(overQuota)
                : Problem.Of(StatusCodes.Status409Conflict, ErrorCode.AliasExists, AliasTaken(alias));
            return new StoredReply(refused.Status, null, JsonSerializer.SerializeToUtf8Bytes(refused, ApiJson.Instance.Problem));
        }

        var response = new CreateLinkResponse(
            LinkUrls.ShortUrl(baseUrl, link.ShortCode),
            link.ShortCode,
            link.OriginalUrl,
            link.CreatedAt,
            link.ExpiresAt,
            link.RedirectType,
            LinkUrls.QrCodeUrl(baseUrl, link.ShortCode),
            warnings
        );
        return new StoredReply(
            StatusCodes.Status201Created,
            $"/api/v1/urls/{link.ShortCode}",
            JsonSerializer.SerializeToUtf8Bytes(response, LinkJson.Instance.CreateLinkResponse)
        );
    }

    private static StoredReply RenderBulk(
        List<(CreateLinkRequest? Request, Checked<NewLink> Link)> items,
        IReadOnlyList<LinkCreation> creations,
        string baseUrl
    )
    {
        var results = new List<BulkResult>(items.Count);
        var next = 0;
        foreach (var (request, link) in items)
        {
            if (link.Value is null)
            {
                results.Add(
                    Failed(request, StatusCodes.Status400BadRequest, string.Join(' ', link.Errors.Select(error => error.Message)), link.Errors[0].Code)
                );
                continue;
            }

            results.Add(
                creations[next++] switch
                {
                    { Link: { } created } => new BulkResult(
                        request!.OriginalUrl,
                        LinkUrls.ShortUrl(baseUrl, created.ShortCode),
                        created.ShortCode,
                        "created",
                        StatusCodes.Status201Created,
                        created.ExpiresAt,
                        LinkUrls.QrCodeUrl(baseUrl, created.ShortCode),
                        null,
                        null
                    ),
                    { OverQuota: { } overQuota } => Failed(request, StatusCodes.Status403Forbidden, overQuota, ErrorCode.QuotaExceeded),
                    _ => Failed(request, StatusCodes.Status409Conflict, AliasTaken(link.Value.Alias), ErrorCode.AliasExists),
                }
            );
        }

        var count = results.Count(result => result.StatusCode == StatusCodes.Status201Created);
        var response = new BulkResponse(results, count, results.Count - count);
        return new StoredReply(
            response.Failed == 0 ? StatusCodes.Status201Created : StatusCodes.Status207MultiStatus,
            null,
            JsonSerializer.SerializeToUtf8Bytes(response, LinkJson.Instance.BulkResponse)
        );

        static BulkResult Failed(CreateLinkRequest? request, int status, string error, string code) =>
            new(request?.OriginalUrl, null, null, "failed", status, null, null, error, code);
    }

    private static string AliasTaken(string? alias) => $"custom_alias \"{alias}\" is taken or was used before. Choose another.";

    private static Task WriteAsync(HttpContext context, CreateAnswer answer)
    {
        if (answer.Reply is not { } reply)
        {
            return Problem
                .Of(
                    StatusCodes.Status422UnprocessableEntity,
                    ErrorCode.IdempotencyKeyReused,
                    $"The idempotency key was used for a different request within 24 hours. Use a new key for a new request."
                )
                .WriteAsync(context);
        }

        context.Response.StatusCode = reply.StatusCode;
        if (reply.Location is not null)
            context.Response.Headers.Location = reply.Location;
        if (answer.IsReplay)
            context.Response.Headers["Idempotency-Replayed"] = "true";
        return Reply.WriteAsync(context, reply.Body, reply.StatusCode >= StatusCodes.Status400BadRequest ? "application/problem+json" : Reply.Json);
    }

    private static LinkResponse Describe(Link link, string baseUrl, DateTimeOffset now) =>
        new(
            link.ShortCode,
            LinkUrls.ShortUrl(baseUrl, link.ShortCode),
            link.OriginalUrl,
            link.CreatedAt,
            link.ExpiresAt,
            link.StatusAt(now).ToWord(),
            link.IsActive,
            link.RedirectType,
            new RawJson(link.Metadata),
            link.ClickCount,
            link.LastAccessedAt,
            LinkUrls.QrCodeUrl(baseUrl, link.ShortCode)
        );

    private LinkQuery ReadListQuery(HttpContext context, List<FieldError> errors)
    {
        var parameters = new QueryParameters(context.Request.Query, errors, ListParameters);
        var limit = parameters.Integer("limit", 1, MaxPage) ?? DefaultPage;
        var order = new LinkOrder(
            parameters.OneOf("sort", "created_at", "expires_at") == "expires_at" ? LinkSort.ExpiresAt : LinkSort.CreatedAt,
            parameters.OneOf("order", "desc", "asc") == "asc"
        );
        var cursor = parameters.Text("cursor", 64);
        LinkCursor? after = null;
        if (cursor is not null && (after = ListCursor.Read(cursor, order)) is null)
            parameters.Refuse("cursor", "must be the next_cursor of an earlier page with the same sort and order.");
        var metadata = new List<KeyValuePair<string, string>>();
        foreach (var pair in parameters.Many("metadata", 10))
        {
            if (pair.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon)
                metadata.Add(KeyValuePair.Create(pair[..colon], pair[(colon + 1)..]));
            else
                parameters.Refuse("metadata", "must be name:value, such as campaign:spring.");
        }

        return new LinkQuery(
            Caller.RequiredUserOf(context).Id,
            limit,
            after,
            parameters.Text("code", ShortCode.MaxLength),
            parameters.Text("target", MaxTargetFilter),
            metadata,
            parameters.Boolean("is_active")
        )
        {
            Status = LinkStatuses.Parse(parameters.OneOf("status", LinkStatuses.Words)),
            Now = time.GetUtcNow(),
            Created = ReadRange(parameters, "created_after", "created_before"),
            Expires = ReadRange(parameters, "expires_after", "expires_before"),
            Order = order,
            SearchTime = options.SearchTime,
        };
    }

    private static TimeBounds ReadRange(QueryParameters parameters, string after, string before)
    {
        var range = new TimeBounds(parameters.Time(after), parameters.Time(before));
        if (range.From >= range.To)
            parameters.Refuse(after, $"must be earlier than {before}.");
        return range;
    }
}
