using System.Globalization;
using System.Net;
using System.Text;

namespace UrlShortener.Load.OpenModel;

/// <summary>The requests that loads are made of.</summary>
internal static class Requests
{
    /// <summary>Follows a link.</summary>
    public const string Redirect = "redirect";

    /// <summary>Creates a link.</summary>
    public const string Create = "create";

    /// <summary>Asks for the statistics of a link.</summary>
    public const string Statistics = "statistics";

    /// <summary>Follows a link that does not exist.</summary>
    public const string UnknownCode = "unknown code";

    private const string UserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
    private const string Referrer = "https://news.example/articles/spring";

    /// <summary>Addresses that redirects come from, as a trusted proxy names them.</summary>
    public const int Visitors = 100_000;

    private const string Api = "/api/v1/urls";

    /// <summary>One create for 100 redirects, as in the specification.</summary>
    public const double CreatesInScenarios = 0.01;

    /// <summary>Redirects and creates.</summary>
    public static OperationMix RedirectsAndCreates(Uri address, IReadOnlyList<string> paths, string apiKey, double creates) =>
        new([Redirects(address, paths, 1 - creates), Creates(address, apiKey, creates)]);

    /// <summary>What a service meets in the long run: redirects, creates, statistics, unknown codes and refused URLs.</summary>
    public static OperationMix Everything(Uri address, IReadOnlyList<string> paths, string apiKey) =>
        new([
            Redirects(address, paths, 0.86),
            Creates(address, apiKey, 0.05),
            new Operation(
                Statistics,
                0.03,
                HttpStatusCode.OK,
                seed => Authorized(HttpMethod.Get, new Uri(address, $"{Api}{paths[(int)(seed % (ulong)paths.Count)]}/stats"), apiKey)
            ),
            // Half a million codes: what is remembered of unknown ones must have a bound, too.
            new Operation(UnknownCode, 0.04, HttpStatusCode.NotFound, seed => Get(new Uri(address, Text($"/zz{seed % 500_000:x}")), seed)),
            new Operation("invalid URL", 0.02, HttpStatusCode.BadRequest, _ => Post(address, apiKey, "no URL")),
        ]);

    /// <summary>Redirects over links that exist.</summary>
    public static Operation Redirects(Uri address, IReadOnlyList<string> paths, double share)
    {
        Uri[] links = [.. paths.Select(path => new Uri(address, path))];
        return new Operation(Redirect, share, HttpStatusCode.Found, seed => Get(links[(int)(seed % (ulong)links.Length)], seed));
    }

    /// <summary>Creates, each of another URL.</summary>
    public static Operation Creates(Uri address, string apiKey, double share) =>
        new(Create, share, HttpStatusCode.Created, seed => Post(address, apiKey, Text($"https://example.com/load/{seed:x}")));

    // What a visitor's browser sends: a click without it is a smaller row, and counts as a bot's.
    private static HttpRequestMessage Get(Uri address, ulong seed)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        request.Headers.TryAddWithoutValidation("Referer", Referrer);
        // Other bits than those that choose the link.
        var visitor = (seed >> 24) % Visitors;
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", Text($"10.{visitor / 65_536}.{visitor / 256 % 256}.{visitor % 256}"));
        return request;
    }

    private static HttpRequestMessage Post(Uri address, string apiKey, string url)
    {
        var request = Authorized(HttpMethod.Post, new Uri(address, Api), apiKey);
        request.Content = new StringContent($"{{\"original_url\":\"{url}\"}}", Encoding.UTF8, "application/json");
        return request;
    }

    private static HttpRequestMessage Authorized(HttpMethod method, Uri address, string apiKey)
    {
        var request = new HttpRequestMessage(method, address);
        request.Headers.Add("X-API-Key", apiKey);
        return request;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
