using System.Reflection;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Storage;

namespace UrlShortener.Runtime.Health;

/// <summary>/health for people and monitors, and the probes of an orchestrator.</summary>
internal sealed partial class HealthEndpoints(
    IDatabase database, ISharedLinkCache shared, IKeyLevel keys, Drain drain, ILogger<HealthEndpoints> logger)
{
    private const string Healthy = "healthy";
    private const string Degraded = "degraded";
    private const string Unhealthy = "unhealthy";
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    /// <summary>Version of the product, as built.</summary>
    public static string Version { get; } =
        typeof(HealthEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    /// <summary>GET /health: each component, 503 when links can neither be created nor looked up.</summary>
    public async Task GetAsync(HttpContext context)
    {
        var store = await CheckStoreAsync(context.RequestAborted);
        var cache = shared.IsAvailable ? Healthy : Degraded;
        var pool = keys.IsSufficient ? Healthy : Degraded;
        var status = store == Unhealthy ? Unhealthy : new[] { store, cache, pool }.Contains(Degraded) ? Degraded : Healthy;
        var response = new HealthResponse(status, new ComponentsResponse(store, cache, pool), Version);
        context.Response.Headers.CacheControl = "no-store";
        await Reply.WriteJsonAsync(
            context, status == Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK, response, HealthJson.Instance.HealthResponse);
    }

    /// <summary>GET /health/live: the process answers. Restarting it would mend nothing else.</summary>
    public static Task LiveAsync(HttpContext context) => ProbeAsync(context, StatusCodes.Status200OK, "live");

    /// <summary>GET /health/ready: wants traffic. Ignores shared dependencies: their outage must not take every instance out at once.</summary>
    public Task ReadyAsync(HttpContext context) => drain.HasBegun
        ? ProbeAsync(context, StatusCodes.Status503ServiceUnavailable, "stopping")
        : ProbeAsync(context, StatusCodes.Status200OK, "ready");

    /// <summary>GET /health/startup: has started, migrations included, since nothing is served before.</summary>
    public static Task StartupAsync(HttpContext context) => ProbeAsync(context, StatusCodes.Status200OK, "started");

    private async Task<string> CheckStoreAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        try
        {
            return await database.CheckAsync(limit.Token).WaitAsync(limit.Token) switch
            {
                StoreState.Healthy => Healthy,
                StoreState.ReadOnly => Degraded,
                _ => Unhealthy,
            };
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            Log.StoreUnhealthy(logger, error);
            return Unhealthy;
        }
    }

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
    }
}
