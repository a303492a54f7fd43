using Microsoft.Net.Http.Headers;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.RateLimiting;

namespace UrlShortener.Runtime.QrCodes;

/// <summary>GET and HEAD /api/v1/urls/{short_code}/qr: the short URL as a picture. Open to everybody, because web pages embed it.</summary>
internal sealed class QrCodeEndpoint(
    LinkCache links,
    BlocklistFile blocklist,
    QrCodeCache pictures,
    QrRenderQueue renders,
    QrCodeOptions options,
    RateLimitingOptions limits,
    TimeProvider time
)
{
    private static readonly Problem Busy = Problem.Of(
        StatusCodes.Status503ServiceUnavailable,
        ErrorCode.Unavailable,
        "Too many QR codes are being drawn. Try again in a moment."
    ) with
    {
        RetryAfter = 1,
    };

    private readonly LocalBuckets _buckets = new(limits.Capacity, time);

    /// <summary>Answers with a PNG or SVG. Draws nothing for HEAD, or for a client that already has the picture.</summary>
    public async Task GetAsync(HttpContext context)
    {
        var errors = new List<FieldError>();
        var parameters = new QueryParameters(context.Request.Query, errors, ["format", "size", "error_correction", "margin"]);
        var spec = new QrSpec(
            parameters.OneOf("format", "png", "svg") == "svg" ? QrFormat.Svg : QrFormat.Png,
            parameters.Integer("size", QrSpec.MinSize, QrSpec.MaxSize) ?? QrSpec.DefaultSize,
            Enum.Parse<QrErrorCorrection>(parameters.OneOf("error_correction", "L", "M", "Q", "H") ?? "M"),
            parameters.Integer("margin", 0, QrSpec.MaxMargin) ?? QrSpec.DefaultMargin
        );
        var code = (string)context.Request.RouteValues["short_code"]!;
        var content = LinkUrls.ShortUrl(LinkUrls.BaseOf(context), code);
        if (errors.Count == 0)
            CheckSize(parameters, content, spec);
        var problem = errors.Count > 0 ? Problem.Of(errors) : await CheckLinkAsync(code, context.RequestAborted);
        if (problem is not null)
        {
            await problem.WriteAsync(context);
            return;
        }

        var etag = QrRenderer.ETag(content, spec);
        if (HasPicture(context.Request, etag))
        {
            QrCodeMetrics.NotModified.Inc();
            SetHeaders(context, etag);
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        var type = spec.Format == QrFormat.Svg ? "image/svg+xml" : "image/png";
        if (pictures.Find(etag) is { } cached)
        {
            QrCodeMetrics.Cached.Inc();
            SetHeaders(context, etag);
            await Reply.WriteAsync(context, cached, type);
        }
        else if (HttpMethods.IsHead(context.Request.Method))
        {
            // The length is known only for drawn pictures. It may be omitted (RFC 9110, section 9.3.2).
            QrCodeMetrics.Head.Inc();
            SetHeaders(context, etag);
            context.Response.ContentType = type;
        }
        else
        {
            await RenderAsync(context, etag, content, spec, type);
        }
    }

    private async Task RenderAsync(HttpContext context, string etag, string content, QrSpec spec, string type)
    {
        var decision = _buckets.Take(RateLimiter.AddressKey(context.Connection.RemoteIpAddress), options.RendersPerMinute);
        if (limits.Enabled && !decision.Allowed)
        {
            QrCodeMetrics.Limited.Inc();
            var problem = Problem.Of(
                StatusCodes.Status429TooManyRequests,
                ErrorCode.RateLimitExceeded,
                $"Too many different QR codes. Wait {decision.RetryAfter} s, then try again."
            );
            await (problem with { RetryAfter = decision.RetryAfter }).WriteAsync(context);
        }
        else if (await renders.RenderAsync(etag, content, spec, context.RequestAborted) is { } file)
        {
            QrCodeMetrics.Rendered.Inc();
            SetHeaders(context, etag);
            await Reply.WriteAsync(context, file, type);
        }
        else
        {
            QrCodeMetrics.Busy.Inc();
            await Busy.WriteAsync(context);
        }
    }

    private static void SetHeaders(HttpContext context, string etag)
    {
        var headers = context.Response.Headers;
        headers.ETag = etag;
        // A shared cache stores the answer by address only, and could give one made for another host name to everybody.
        headers.CacheControl = PublicBase.Of(context).IsFixed ? "public, max-age=86400" : "private, max-age=86400";
    }

    // Weak comparison, lists and "*" (RFC 9110, section 13.1.2).
    private static bool HasPicture(HttpRequest request, string etag)
    {
        var current = new EntityTagHeaderValue(etag);
        foreach (var known in request.GetTypedHeaders().IfNoneMatch)
        {
            if (known.Equals(EntityTagHeaderValue.Any) || known.Compare(current, useStrongComparison: false))
                return true;
        }

        return false;
    }

    private static void CheckSize(QueryParameters parameters, string content, QrSpec spec)
    {
        if (QrRenderer.FindMinimumSize(content, spec) is not { } minimum)
            parameters.Refuse("error_correction", "is too high for the length of this URL. Choose a lower one.");
        else if (minimum > spec.Size)
            parameters.Refuse("size", $"must be at least {minimum} for this URL, error correction and margin.");
    }

    private async Task<Problem?> CheckLinkAsync(string code, CancellationToken cancellationToken)
    {
        if (!ShortCode.IsValid(code))
            return Problem.UrlNotFound;
        var link = links.TryGet(code, out var cached) ? cached : await links.LoadAsync(code, cancellationToken);
        return link.Exists && !link.IsBlocked(blocklist.Current) ? null : Problem.UrlNotFound;
    }
}
