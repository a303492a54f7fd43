namespace UrlShortener.TestServers.Redis;

/// <summary>
/// A single real Redis server for tests. Where Redis is not installed, it is installed (as root on Debian) or runs in a container; else there is a
/// <see cref="ServerUnavailableException"/>. A local server ends with this process, whichever way that ends.
/// </summary>
public sealed class RedisServer : IAsyncDisposable
{
    private readonly RedisPlace _place;

    private RedisServer(RedisPlace place) => _place = place;

    /// <summary>The server's process: to kill, freeze, start again.</summary>
    public RedisNode Node => _place.Nodes[0];

    /// <summary>Configuration string of StackExchange.Redis.</summary>
    public string Configuration => Node.EndPoint;

    /// <summary>Starts a server, and returns when it answers.</summary>
    /// <exception cref="ServerUnavailableException">Redis cannot be had here.</exception>
    public static async Task<RedisServer> StartAsync(RedisServerOptions options, CancellationToken cancellationToken) =>
        new(await RedisPlace.StartAsync(options, 1, cancellationToken));

    /// <summary>Ends the server and removes its data.</summary>
    public ValueTask DisposeAsync() => _place.DisposeAsync();
}
