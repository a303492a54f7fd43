using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace UrlShortener.Runtime.Redirects;

/// <summary>Cache headers of redirects. The values are created once, one for each possible number of seconds: the hot path allocates none.</summary>
internal sealed class RedirectCaching
{
    /// <summary>Longest time, in seconds, that a browser keeps a permanent redirect. Without a limit, a kept redirect could never be changed.</summary>
    public const int PermanentSeconds = 300;

    private static readonly StringValues Temporary = "private, max-age=0";
    private static readonly StringValues[] Permanent = Values("private, max-age=", PermanentSeconds);

    private readonly StringValues[] _shared;

    /// <summary>Creates the values.</summary>
    /// <param name="edgeTtl">Longest time that a shared cache may answer for a link; zero: never.</param>
    public RedirectCaching(TimeSpan edgeTtl) => _shared = edgeTtl < TimeSpan.FromSeconds(1) ? [] : Values("max-age=", (int)edgeTtl.TotalSeconds);

    /// <summary>Sets the headers. No cache may answer after the link has expired.</summary>
    /// <param name="headers">Headers of the answer.</param>
    /// <param name="isPermanent">Whether browsers may keep the redirect.</param>
    /// <param name="left">Milliseconds until the link expires.</param>
    public void Apply(IHeaderDictionary headers, bool isPermanent, long left)
    {
        headers.CacheControl = isPermanent ? At(Permanent, left) : Temporary;
        if (_shared.Length > 0)
            headers["CDN-Cache-Control"] = At(_shared, left);
    }

    private static StringValues At(StringValues[] values, long left) => values[Math.Min(left / 1_000, values.Length - 1)];

    private static StringValues[] Values(string directive, int seconds) =>
        [.. Enumerable.Range(0, seconds + 1).Select(second => new StringValues(directive + second.ToString(CultureInfo.InvariantCulture)))];
}
