namespace UrlShortener.ControllerRuntime.Api;

/// <summary>
/// Settings of connections to API servers. With KubernetesClient's own settings a dead connection goes undetected for three and a half minutes.
/// </summary>
internal static class HttpSettings
{
    /// <summary>Maximum time to connect.</summary>
    public static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Configures a handler before its first request.</summary>
    public static void Apply(SocketsHttpHandler handler)
    {
        handler.ConnectTimeout = ConnectTimeout;
        // A peer that does not answer a ping for 3 s is dead. Pings run during requests, so a watch notices within 8 s.
        handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
        handler.KeepAlivePingDelay = TimeSpan.FromSeconds(5);
        handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(3);
        // So that requests spread over all API servers again after an outage of one.
        handler.PooledConnectionLifetime = TimeSpan.FromMinutes(10);
        handler.PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2);
        handler.EnableMultipleHttp2Connections = true;
        // Requests of a reconcile get the context of its trace from ApiClient.
        handler.ActivityHeadersPropagator = null;
    }
}
