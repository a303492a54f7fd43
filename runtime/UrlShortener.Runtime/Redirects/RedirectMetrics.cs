using Prometheus;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Redirects;

/// <summary>How a request for a short URL ended: its counter by result, and its counter among the requests of all operations.</summary>
internal sealed class RedirectResult
{
    private readonly Counter.Child _result;
    private readonly Counter.Child _status;

    /// <param name="result">Counts the result.</param>
    /// <param name="status">Counts the status.</param>
    public RedirectResult(Counter.Child result, Counter.Child status)
    {
        _result = result;
        _status = status;
    }

    /// <summary>Counts one.</summary>
    public void Count()
    {
        _result.Inc();
        _status.Inc();
    }
}

/// <summary>Metrics of redirects. Every series is resolved once: a label lookup costs more than the count.</summary>
internal static class RedirectMetrics
{
    /// <summary>Name of the operation in the OpenAPI document.</summary>
    public const string Operation = "followLink";

    private static readonly Counter Redirects = Metrics.CreateCounter("shortener_redirects_total", "Requests for a short URL by result.", "result");
    private static readonly MeasuredOperation Requests = new(Operation, isTimed: false);

    private static readonly RedirectResult Found301 = Of("found", StatusCodes.Status301MovedPermanently);
    private static readonly RedirectResult Found302 = Of("found", StatusCodes.Status302Found);
    private static readonly RedirectResult Found307 = Of("found", StatusCodes.Status307TemporaryRedirect);
    private static readonly RedirectResult Found308 = Of("found", StatusCodes.Status308PermanentRedirect);

    /// <summary>404.</summary>
    public static readonly RedirectResult NotFound = Of("not_found", StatusCodes.Status404NotFound);

    /// <summary>405.</summary>
    public static readonly RedirectResult NotAllowed = Of("method_not_allowed", StatusCodes.Status405MethodNotAllowed);

    /// <summary>410.</summary>
    public static readonly RedirectResult Expired = Of("expired", StatusCodes.Status410Gone);

    /// <summary>451.</summary>
    public static readonly RedirectResult Blocked = Of("blocked", StatusCodes.Status451UnavailableForLegalReasons);

    /// <summary>503.</summary>
    public static readonly RedirectResult Unavailable = Of("failed", StatusCodes.Status503ServiceUnavailable);

    /// <summary>An exception: the server answers 500.</summary>
    public static readonly RedirectResult Error = Of("failed", StatusCodes.Status500InternalServerError);

    /// <summary>The visitor closed the connection before the link was loaded.</summary>
    public static readonly RedirectResult Aborted = Of("aborted", MeasuredOperation.ClientClosedRequest);

    private static readonly Histogram Seconds = Metrics.CreateHistogram(
        "shortener_redirect_seconds",
        "Time to answer a request for a short URL, found or not, by the tier that had the link.",
        new HistogramConfiguration { LabelNames = ["tier"], Buckets = RuntimeMetrics.LatencyBuckets }
    );

    /// <summary>The link was in memory.</summary>
    public static readonly Histogram.Child MemorySeconds = Seconds.WithLabels("memory");

    /// <summary>No tier was asked, or none answered.</summary>
    public static readonly Histogram.Child UnansweredSeconds = Seconds.WithLabels("none");

    private static readonly Histogram.Child SharedSeconds = Seconds.WithLabels("redis");
    private static readonly Histogram.Child StoreSeconds = Seconds.WithLabels("store");

    /// <summary>The result of a redirect.</summary>
    public static RedirectResult Found(int status) =>
        status switch
        {
            StatusCodes.Status302Found => Found302,
            StatusCodes.Status301MovedPermanently => Found301,
            StatusCodes.Status307TemporaryRedirect => Found307,
            _ => Found308,
        };

    /// <summary>Durations of requests that a tier answered.</summary>
    public static Histogram.Child SecondsOf(CacheTier tier) =>
        tier switch
        {
            CacheTier.Memory => MemorySeconds,
            CacheTier.Shared => SharedSeconds,
            _ => StoreSeconds,
        };

    private static RedirectResult Of(string result, int status) => new(Redirects.WithLabels(result), Requests.CountOf(status));
}
