using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace UrlShortener.Tracing;

/// <summary>
/// Records spans and sends them to the collector, from the start of the process to its end. A collector that hangs or is gone costs requests nothing, and the
/// end of the process no more than twice <see cref="StopLimit"/>.
/// </summary>
/// <param name="settings">What is exported.</param>
/// <param name="setups">Further processors of spans.</param>
/// <param name="logger">Receives failures of the collector.</param>
public sealed partial class TraceExport(TraceSettings settings, IEnumerable<TraceSetup> setups, ILogger<TraceExport> logger) : IHostedService, IDisposable
{
    /// <summary>How long the end of the process waits for the last batch, and after that for the end of a request to the collector.</summary>
    public static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(2);

    // So that a collector whose address changes is found again.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(2);

    private TracerProvider? _provider;
    private SpanQueue? _queue;

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var exporter = new SpanExporter(BuildOptions(), logger);
        _queue = exporter.Queue = new SpanQueue(exporter);
        var builder = Sdk.CreateTracerProviderBuilder()
            .AddSource([.. settings.Sources])
            .SetSampler(new ParentBasedSampler(new RootSampler(settings.Options.SampleRatio)))
            .SetResourceBuilder(
                ResourceBuilder
                    .CreateEmpty()
                    .AddTelemetrySdk()
                    .AddService(settings.ServiceName, serviceVersion: settings.Version)
                    .AddAttributes(settings.Attributes)
                    // Last: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
                    .AddEnvironmentVariableDetector()
            )
            .AddProcessor(_queue);
        foreach (var setup in setups)
            setup(builder);
        _provider = builder.Build();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_provider is null)
            return;
        // Blocks its thread.
        await Task.Run(() => _provider.Shutdown((int)StopLimit.TotalMilliseconds), CancellationToken.None);
        if (_queue!.Waiting is not (> 0 and var lost))
            return;
        SpanMetrics.DroppedAtStop.Inc(lost);
        Log.LostAtStop(logger, lost, settings.Options.Endpoint!);
    }

    /// <inheritdoc />
    public void Dispose() => _provider?.Dispose();

    // Nothing but the options counts. The library would read OTEL_EXPORTER_OTLP_* as well, and so send spans, or a header with a secret, to another place.
    private OtlpExporterOptions BuildOptions()
    {
        var (options, isGrpc) = (settings.Options, settings.Options.Protocol == TraceOptions.Grpc);
        return new OtlpExporterOptions
        {
            Endpoint = isGrpc ? options.Endpoint! : WithPath(options.Endpoint!),
            Protocol = isGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf,
            Headers = options.Headers,
            TimeoutMilliseconds = SpanQueue.ExportLimitMilliseconds,
            HttpClientFactory = () =>
                new HttpClient(
                    new SocketsHttpHandler
                    {
                        ConnectTimeout = ConnectLimit,
                        PooledConnectionLifetime = ConnectionLifetime,
                        AllowAutoRedirect = false,
                        ActivityHeadersPropagator = null,
                    }
                )
                {
                    Timeout = TimeSpan.FromMilliseconds(SpanQueue.ExportLimitMilliseconds),
                },
        };
    }

    /// <summary>The address of traces below the collector's, as the protocol has it.</summary>
    internal static Uri WithPath(Uri endpoint)
    {
        const string Path = "v1/traces";
        var text = endpoint.AbsoluteUri.TrimEnd('/');
        return text.EndsWith($"/{Path}", StringComparison.Ordinal) ? endpoint : new Uri($"{text}/{Path}");
    }

    private static partial class Log
    {
        [LoggerMessage(3, LogLevel.Warning, "Dropped {Count} spans: {Endpoint} did not accept them while the process stopped")]
        public static partial void LostAtStop(ILogger logger, int count, Uri endpoint);
    }
}

/// <summary>Adds processors of spans.</summary>
public delegate void TraceSetup(TracerProviderBuilder builder);
