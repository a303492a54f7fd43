using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Exporter;

namespace UrlShortener.Tracing;

/// <summary>
/// The library's queue between requests, which never wait for it, and the thread that exports. The library only counts what its queue drops when the process
/// ends; here each span that does not fit is counted at once.
/// </summary>
internal sealed class SpanQueue(BaseExporter<Activity> exporter)
    : BatchActivityExportProcessor(exporter, Capacity + BatchSize, ExportIntervalMilliseconds, ExportLimitMilliseconds, BatchSize)
{
    /// <summary>Most spans that wait, those being sent included.</summary>
    public const int Capacity = 4_096;

    /// <summary>Most time for one batch, retries included.</summary>
    public const int ExportLimitMilliseconds = 5_000;

    private const int BatchSize = 512;
    private const int ExportIntervalMilliseconds = 1_000;

    private int _waiting;

    /// <summary>Spans that wait, those being sent included.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <inheritdoc />
    public override void OnEnd(Activity data)
    {
        if (!data.Recorded)
            return;
        if (Interlocked.Increment(ref _waiting) <= Capacity)
        {
            base.OnEnd(data);
            return;
        }

        Interlocked.Decrement(ref _waiting);
        SpanMetrics.DroppedAtQueue.Inc();
    }

    /// <summary>Called after a batch was sent or given up.</summary>
    public void Forget(int spans) => Interlocked.Add(ref _waiting, -spans);
}

/// <summary>The library's exporter, which in addition counts, and logs when the collector fails and when it is back.</summary>
internal sealed partial class SpanExporter : OtlpTraceExporter
{
    private readonly Uri _endpoint;
    private readonly ILogger<TraceExport> _logger;
    private bool _isFailing;

    /// <param name="options">Where spans go.</param>
    /// <param name="logger">Receives failures.</param>
    public SpanExporter(OtlpExporterOptions options, ILogger<TraceExport> logger)
        : base(options)
    {
        _endpoint = options.Endpoint;
        _logger = logger;
    }

    /// <summary>Learns how many spans are no longer waiting.</summary>
    public SpanQueue? Queue { get; set; }

    /// <inheritdoc />
    public override ExportResult Export(in Batch<Activity> activityBatch)
    {
        // Sending empties the batch.
        var spans = (int)activityBatch.Count;
        var result = base.Export(activityBatch);
        Queue?.Forget(spans);
        var hasFailed = result != ExportResult.Success;
        (hasFailed ? SpanMetrics.DroppedAtExport : (Prometheus.ICounter)SpanMetrics.Exported).Inc(spans);
        if (hasFailed && !_isFailing)
            Log.Failing(_logger, _endpoint);
        else if (!hasFailed && _isFailing)
            Log.Recovered(_logger, _endpoint);
        _isFailing = hasFailed;
        return result;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot export spans to {Endpoint}; dropping them until it accepts spans again")]
        public static partial void Failing(ILogger logger, Uri endpoint);

        [LoggerMessage(2, LogLevel.Information, "Exporting spans to {Endpoint} again")]
        public static partial void Recovered(ILogger logger, Uri endpoint);
    }
}
