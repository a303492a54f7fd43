using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Access;

/// <summary>
/// Refuses changes in a region that takes none, before the credential is looked up, the rate limit is asked and the body is read: a refusal costs neither the
/// database nor Redis anything, whoever asks for it.
/// </summary>
internal sealed class ReadOnlyMiddleware(RequestDelegate next, WriteAccess access)
{
    /// <summary>Answers 503, or passes the request on.</summary>
    public Task InvokeAsync(HttpContext context) =>
        access.ReadOnly is { } region && IsChange(context) ? Problem.OfReadOnly(region).WriteAsync(context) : next(context);

    // Without an endpoint of the API, the answer is that there is no such address or method.
    private static bool IsChange(HttpContext context) =>
        !HttpMethods.IsGet(context.Request.Method)
        && !HttpMethods.IsHead(context.Request.Method)
        && context.GetEndpoint()?.Metadata.GetMetadata<AccessMetadata>() is not null;
}
