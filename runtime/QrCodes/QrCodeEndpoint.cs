using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.QrCodes;

/// <summary>GET and HEAD /api/v1/urls/{short_code}/qr: the short URL as a picture. Open to all, since it stands in pages.</summary>
internal sealed class QrCodeEndpoint(LinkCache cache, BlocklistFile blocklist)
{
    /// <summary>Answers with a PNG or SVG.</summary>
    public async Task GetAsync(HttpContext context)
    {
        var errors = new List<FieldError>();
        var parameters = new QueryParameters(context.Request.Query, errors, ["format", "size", "error_correction", "margin"]);
        var spec = new QrSpec(
            parameters.OneOf("format", "png", "svg") == "svg" ? QrFormat.Svg : QrFormat.Png,
            parameters.Integer("size", QrSpec.MinSize, QrSpec.MaxSize) ?? QrSpec.DefaultSize,
            Enum.Parse<QrErrorCorrection>(parameters.OneOf("error_correction", "L", "M", "Q", "H") ?? "M"),
            parameters.Integer("margin", 0, QrSpec.MaxMargin) ?? QrSpec.DefaultMargin);
        var code = (string)context.Request.RouteValues["short_code"]!;
        var content = LinkUrls.ShortUrl(LinkUrls.BaseOf(context), code);
        if (errors.Count == 0 && QrRenderer.MinimumSize(content, spec) is var minimum && minimum > spec.Size)
            parameters.Refuse("size", $"must be at least {minimum} for this URL, error correction and margin.");
        var problem = errors.Count > 0 ? Problem.Of(errors) : await CheckLinkAsync(code, context.RequestAborted);
        if (problem is not null)
        {
            await problem.WriteAsync(context);
            return;
        }

        var response = context.Response;
        var etag = QrRenderer.ETag(content, spec);
        response.Headers.ETag = etag;
        // A shared cache knows the answer by the address alone, and could hand one made under another name to everybody.
        response.Headers.CacheControl = PublicBase.Of(context).IsFixed ? "public, max-age=86400" : "private, max-age=86400";
        if (context.Request.Headers.IfNoneMatch.Any(value => value is not null && (value == "*" || value.Contains(etag, StringComparison.Ordinal))))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        await Reply.WriteAsync(context, QrRenderer.Render(content, spec), spec.Format == QrFormat.Svg ? "image/svg+xml" : "image/png");
    }

    private async Task<Problem?> CheckLinkAsync(string code, CancellationToken cancellationToken)
    {
        if (!ShortCode.IsValid(code))
            return Problem.UrlNotFound;
        var link = cache.TryGet(code, out var cached) ? cached : await cache.LoadAsync(code, cancellationToken);
        return link.Exists && !link.IsBlocked(blocklist.Current) ? null : Problem.UrlNotFound;
    }
}
