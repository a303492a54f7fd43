using System.Globalization;
using Prometheus;

namespace UrlShortener.Runtime.Telemetry;

/// <summary>
/// Counts the requests of one operation of the API, under its name in the OpenAPI document. In the metadata of the operation's endpoint. The label is called
/// <c>operation</c>: scrapes of the Prometheus operator overwrite <c>endpoint</c>.
/// </summary>
internal sealed class MeasuredOperation
{
    /// <summary>Status of a request whose client closed the connection. RFC 9110 has none; nginx's is widely known. No client reads it.</summary>
    public const int ClientClosedRequest = 499;

    private const int LowestStatus = 100;
    private const int HighestStatus = 599;

    private static readonly Counter Requests = Metrics.CreateCounter("shortener_requests_total", "Requests by operation and status.", "operation", "code");

    private readonly string _name;

    // By status. A label lookup for each request would cost more than the count.
    private readonly Counter.Child?[] _counts = new Counter.Child?[HighestStatus - LowestStatus + 1];
    private readonly Histogram.Child? _succeeded;
    private readonly Histogram.Child? _refused;
    private readonly Histogram.Child? _failed;

    /// <param name="name">Name of the operation.</param>
    /// <param name="isTimed">Whether its duration is measured here.</param>
    public MeasuredOperation(string name, bool isTimed)
    {
        _name = name;
        if (!isTimed)
            return;
        _succeeded = Durations.Seconds.WithLabels(name, "success");
        _refused = Durations.Seconds.WithLabels(name, "refused");
        _failed = Durations.Seconds.WithLabels(name, "failed");
    }

    /// <summary>Requests that belong to no operation: pages, documentation, unknown addresses.</summary>
    public static MeasuredOperation Other { get; } = new("other", isTimed: false);

    /// <summary>The counter of a status.</summary>
    public Counter.Child CountOf(int status)
    {
        // HTTP has no others. The bound holds the number of series whatever a handler sets.
        var index = Math.Clamp(status, LowestStatus, HighestStatus) - LowestStatus;
        return _counts[index] ??= Requests.WithLabels(_name, (index + LowestStatus).ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Counts an answered request.</summary>
    public void Count(int status, double seconds)
    {
        CountOf(status).Inc();
        var durations =
            status < StatusCodes.Status400BadRequest ? _succeeded
            : status < StatusCodes.Status500InternalServerError ? _refused
            : _failed;
        durations?.Observe(seconds);
    }

    // Apart, so that a process without timed operations does not have the metric.
    private static class Durations
    {
        public static readonly Histogram Seconds = Metrics.CreateHistogram(
            "shortener_api_request_seconds",
            "Time to answer a request of the API.",
            new HistogramConfiguration { LabelNames = ["operation", "result"], Buckets = RuntimeMetrics.LatencyBuckets }
        );
    }
}
