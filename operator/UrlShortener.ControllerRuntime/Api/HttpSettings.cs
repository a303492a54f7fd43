namespace UrlShortener.ControllerRuntime.Api;

/// <summary>How connections to API servers are kept. KubernetesClient's own settings leave a dead connection undetected for three and a half minutes.</summary>
internal static class HttpSettings
{
    /// <summary>Longest time for a connection to be made.</summary>
    public static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Changes a handler before its first request.</summary>
    public static void Apply(SocketsHttpHandler handler)
    {
        handler.ConnectTimeout = ConnectTimeout;
        // A peer that answers no ping for 3 s is gone; asked while requests run, so a watch notices within 8 s.
        handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
        handler.KeepAlivePingDelay = TimeSpan.FromSeconds(5);
        handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(3);
        // So that requests spread over API servers again after one of them was away.
        handler.PooledConnectionLifetime = TimeSpan.FromMinutes(10);
        handler.PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2);
        handler.EnableMultipleHttp2Connections = true;
    }
}
