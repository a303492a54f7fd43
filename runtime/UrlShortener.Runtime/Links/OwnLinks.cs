using UrlShortener.Runtime.Access;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.Links;

/// <summary>Finds the link that a request names, for its owner alone.</summary>
internal sealed class OwnLinks(ILinkStore store, TimeProvider time)
{
    /// <summary>The code in the path of a request.</summary>
    public static string CodeOf(HttpContext context) => (string)context.Request.RouteValues["short_code"]!;

    /// <summary>The link, or the answer to a request that must not see it.</summary>
    public async Task<(Link? Link, Problem? Problem)> FindAsync(HttpContext context)
    {
        var code = CodeOf(context);
        var link = ShortCode.IsValid(code) ? await store.FindAsync(code, context.RequestAborted) : null;
        if (link is null)
            return (null, Problem.UrlNotFound);
        if (link.UserId == Caller.RequiredUserOf(context).Id)
            return (link, null);
        // Other users learn only whether the link exists or has expired, as every visitor does.
        return (null, link.StatusAt(time.GetUtcNow()) == LinkStatus.Expired ? Problem.UrlExpired : Problem.Forbidden);
    }
}
