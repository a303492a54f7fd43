using System.Reflection;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Clicks.Publishing;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Health;

/// <summary>/health for people and monitors, and the probes of an orchestrator.</summary>
internal sealed partial class HealthEndpoints
{
    private readonly ISharedLinkCache? _shared;
    private readonly IKeyPoolHealth? _keys;
    private readonly Drain _drain;
    private readonly WriteAccess _access;
    private readonly Probe<StoreState> _store;
    private readonly Probe<bool> _pool;
    private readonly Probe<SchemaResponse?> _schema;
    private readonly Probe<bool>? _analytics;
    private readonly ClickPublisher? _publisher;
    private readonly bool _loads;

    /// <param name="health">The store.</param>
    /// <param name="drain">Knows whether the process is stopping.</param>
    /// <param name="access">Knows whether the region takes changes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Receives why a component is not healthy.</param>
    /// <param name="shared">State that processes share; null: this process has no links.</param>
    /// <param name="keys">The codes made ahead of demand; null: this process uses none.</param>
    /// <param name="pool">The region's pool of codes; null if there is none.</param>
    /// <param name="schema">The schema of the store; null if every start migrates it.</param>
    /// <param name="analytics">The server of statistics; null: it is the store.</param>
    /// <param name="publisher">Sends click events; null: nobody does.</param>
    /// <param name="loader">Loads click events; null: this process does not.</param>
    public HealthEndpoints(
        IStoreHealth health,
        Drain drain,
        WriteAccess access,
        TimeProvider time,
        ILogger<HealthEndpoints> logger,
        ISharedLinkCache? shared = null,
        IKeyPoolHealth? keys = null,
        IRegionPool? pool = null,
        IStoreSchema? schema = null,
        IAnalyticsHealth? analytics = null,
        ClickPublisher? publisher = null,
        BatchLoader? loader = null
    )
    {
        _shared = shared;
        _keys = keys;
        _drain = drain;
        _access = access;
        _publisher = publisher;
        _loads = loader is not null;
        _store = new Probe<StoreState>(health.CheckAsync, StoreState.Down, error => Log.StoreUnhealthy(logger, error), time);
        _pool = new Probe<bool>(token => pool?.CheckAsync(token) ?? Task.FromResult(true), false, error => Log.PoolUnhealthy(logger, error), time);
        _analytics = analytics is null ? null : new Probe<bool>(analytics.CheckAsync, false, error => Log.AnalyticsUnhealthy(logger, error), time);
        // The store's own check reports why it does not answer.
        _schema = new Probe<SchemaResponse?>(async token => schema is null ? null : await schema.ReadAsync(token), null, _ => { }, time);
    }

    /// <summary>Version of the product, as built.</summary>
    public static string Version { get; } =
        typeof(HealthEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    /// <summary>GET /health: each component, 503 when links can neither be created nor looked up.</summary>
    public async Task GetAsync(HttpContext context)
    {
        var (isPoolGood, schema, isAnalyticsGood) = (_pool.AskAsync(), _schema.AskAsync(), _analytics?.AskAsync());
        var store = Describe(await _store.AskAsync().WaitAsync(context.RequestAborted));
        var cache = _shared is null or { IsAvailable: true, IsRefused: false } ? HealthStatus.Healthy : HealthStatus.Degraded;
        var readOnly = _access.ReadOnly;
        // A region that takes no changes needs no codes, and generates none.
        var pool =
            await isPoolGood.WaitAsync(context.RequestAborted) && (readOnly is not null || _keys is not { IsSufficient: false })
                ? HealthStatus.Healthy
                : HealthStatus.Degraded;
        var analytics =
            isAnalyticsGood is null ? null
            : await isAnalyticsGood.WaitAsync(context.RequestAborted) ? HealthStatus.Healthy
            : HealthStatus.Degraded;
        var status =
            store == HealthStatus.Unhealthy ? HealthStatus.Unhealthy
            : new[] { store, cache, pool, analytics }.Contains(HealthStatus.Degraded) ? HealthStatus.Degraded
            : HealthStatus.Healthy;
        var code = status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        var response = new HealthResponse(status, new ComponentsResponse(store, cache, pool) { Analytics = analytics }, Version)
        {
            Schema = await schema.WaitAsync(context.RequestAborted),
            Events = _publisher?.State,
            Loading = _loads ? LoadMetrics.Read() : null,
            ReadOnly = readOnly is null ? null : Describe(readOnly),
        };
        context.Response.Headers.CacheControl = "no-store";
        await Reply.WriteJsonAsync(context, code, response, HealthJson.Instance.HealthResponse);
    }

    /// <summary>GET /health/live: the process answers. A restart would fix nothing else.</summary>
    public static Task LiveAsync(HttpContext context) => ProbeAsync(context, StatusCodes.Status200OK, "live");

    /// <summary>GET /health/ready: the process can take traffic. Ignores shared dependencies: their outage must not take every instance out at once.</summary>
    public Task ReadyAsync(HttpContext context) =>
        _drain.HasBegun ? ProbeAsync(context, StatusCodes.Status503ServiceUnavailable, "stopping") : ProbeAsync(context, StatusCodes.Status200OK, "ready");

    /// <summary>GET /health/startup: the process has started, migrations included, since it serves nothing before.</summary>
    public static Task StartupAsync(HttpContext context) => ProbeAsync(context, StatusCodes.Status200OK, "started");

    private static string Describe(StoreState state) =>
        state switch
        {
            StoreState.Healthy => HealthStatus.Healthy,
            StoreState.ReadOnly => HealthStatus.Degraded,
            _ => HealthStatus.Unhealthy,
        };

    private static ReadOnlyResponse Describe(ReadOnlyRegion region) =>
        new(region.Reason == ReadOnlyReason.Standby ? "standby" : "fenced", region.Writer, region.Epoch, Math.Round(region.Age.TotalSeconds, 1));

    private static Task ProbeAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        return Reply.WriteAsync(context, System.Text.Encoding.ASCII.GetBytes(text), "text/plain");
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The store does not answer the health check")]
        public static partial void StoreUnhealthy(ILogger logger, Exception error);

        [LoggerMessage(2, LogLevel.Warning, "The region's key pool does not answer the health check")]
        public static partial void PoolUnhealthy(ILogger logger, Exception error);

        [LoggerMessage(3, LogLevel.Warning, "ClickHouse does not answer the health check")]
        public static partial void AnalyticsUnhealthy(ILogger logger, Exception error);
    }
}
