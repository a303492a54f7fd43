using System.Net;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>
/// The one connection of this process to a Redis Cluster or a single server. It is made in the background: neither a start nor a request waits for servers
/// that are away, calls fail at once until they are back.
/// </summary>
internal sealed partial class RedisConnection : IHostedService, IAsyncDisposable
{
    /// <summary>Longest time of work that no request waits for, scripts sent a second time and redirections included.</summary>
    public static readonly TimeSpan BackgroundTimeout = TimeSpan.FromSeconds(2);

    private const int FailuresToOpen = 2;

    private static readonly TimeSpan LongestCommand = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    // Longer than the time between two announcements of a process.
    private static readonly TimeSpan RefusalLifetime = ProcessCensus.Interval + TimeSpan.FromSeconds(1);

    private readonly ConfigurationOptions _configuration;
    private readonly TimeProvider _time;
    private readonly ILogger<RedisConnection> _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource<ConnectionMultiplexer> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<EndPoint> _lost = [];
    private readonly TimeSpan _breakDuration;
    private Task _running = Task.CompletedTask;
    private volatile ConnectionMultiplexer? _multiplexer;
    private long _refusedAt;
    private bool _isDisposed;

    /// <param name="connections">Where the servers are. Redis must be set.</param>
    /// <param name="options">Limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Gets what happens to the servers, never how they are reached.</param>
    /// <param name="tunnel">Finds the addresses to connect to; null: the system's name resolution.</param>
    public RedisConnection(ConnectionOptions connections, RedisOptions options, TimeProvider time, ILogger<RedisConnection> logger, Tunnel? tunnel = null)
    {
        var text = connections.Redis ?? throw new ArgumentException("ConnectionStrings:Redis is not set.", nameof(connections));
        _configuration = BuildConfiguration(text, options, tunnel);
        _time = time;
        _logger = logger;
        _breakDuration = options.BreakDuration;
        // Sampled over a short time, since a breaker opens when half of all calls failed: busy with good ones before, it would take as long to open.
        var requests = new DependencyOptions(options.Timeout, options.BreakDuration, FailuresToOpen);
        Requests = new RedisCalls(this, options.KeyPrefix, requests, time, waitsForConnection: false);
        Background = new RedisCalls(
            this,
            options.KeyPrefix,
            new DependencyOptions(BackgroundTimeout, options.BreakDuration, FailuresToOpen),
            time,
            waitsForConnection: true
        );
    }

    /// <summary>Calls that requests wait for.</summary>
    public RedisCalls Requests { get; }

    /// <summary>Calls that no request waits for.</summary>
    public RedisCalls Background { get; }

    /// <summary>The connection; null until the first try to connect has ended.</summary>
    public ConnectionMultiplexer? Multiplexer => _multiplexer;

    /// <summary>Whether at least one server is connected.</summary>
    public bool IsConnected => _multiplexer?.IsConnected == true;

    /// <summary>Whether a server refused a call lately: a key of another type, no memory left, no permission.</summary>
    public bool IsRefused => Volatile.Read(ref _refusedAt) is var at and not 0 && _time.GetElapsedTime(at) < RefusalLifetime;

    /// <summary>Notes that a server refused a call.</summary>
    /// <param name="reply">What it said, which names no key.</param>
    public void NoteRefused(string reply)
    {
        if (!IsRefused)
            Log.Refused(_logger, reply);
        Volatile.Write(ref _refusedAt, Math.Max(1, _time.GetTimestamp()));
    }

    /// <summary>The connection, once there is one. Its servers may be away nevertheless.</summary>
    public Task<ConnectionMultiplexer> WaitAsync(CancellationToken cancellationToken) => _connected.Task.WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Start();
        return Task.CompletedTask;
    }

    /// <summary>Begins to connect.</summary>
    public void Start() => _running = RunAsync();

    /// <inheritdoc />
    // Others still use the connection while they stop; it ends with the process' services.
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        // A container that knows it as two services disposes of it twice.
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;
        await _stopping.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _connected.TrySetCanceled();
        if (_multiplexer is { } multiplexer)
            await multiplexer.DisposeAsync();
        _stopping.Dispose();
    }

    /// <summary>What the client goes by: our defaults, unless the connection string says otherwise. No start waits for servers, whatever it says.</summary>
    internal static ConfigurationOptions BuildConfiguration(string text, RedisOptions options, Tunnel? tunnel)
    {
        var configuration = ConfigurationOptions.Parse(text);
        configuration.Defaults = new ConnectionDefaults(options);
        configuration.AbortOnConnectFail = false;
        configuration.Tunnel ??= tunnel;
        return configuration;
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        await ConnectAsync();
        using var timer = new PeriodicTimer(_breakDuration, _time);
        while (await timer.WaitForNextTickAsync(_stopping.Token))
        {
            if (Requests.IsOpen || Background.IsOpen)
                await RecoverAsync(_multiplexer!);
        }
    }

    // A master that hangs breaks no connection and sends nobody elsewhere: that its replica took over must be asked for. And breakers close by a call that
    // succeeds; with these, no request has to try, and a process without requests notices too.
    private async Task RecoverAsync(ConnectionMultiplexer multiplexer)
    {
        try
        {
            if (multiplexer.GetServers().Any(server => server.ServerType == ServerType.Cluster))
                await multiplexer.ConfigureAsync().WaitAsync(BackgroundTimeout, _time, _stopping.Token);
        }
        catch (Exception error) when (!error.IsStopBy(_stopping.Token))
        {
            Log.NotReconfigured(_logger, error);
        }

        await Task.WhenAll(Requests.ProbeAsync(_stopping.Token), Background.ProbeAsync(_stopping.Token));
    }

    private async Task ConnectAsync()
    {
        var isTold = false;
        while (true)
        {
            try
            {
                Use(await ConnectionMultiplexer.ConnectAsync(_configuration));
                return;
            }
            // Servers that are away do not come here; whatever does, such as a server that refuses the password, may have passed by the next try.
            catch (Exception error) when (!error.IsStopBy(_stopping.Token))
            {
                if (!isTold)
                    Log.NotConnected(_logger, error);
                isTold = true;
            }

            await Task.Delay(RetryDelay, _time, _stopping.Token);
        }
    }

    private void Use(ConnectionMultiplexer multiplexer)
    {
        multiplexer.ConnectionFailed += (_, failure) =>
        {
            if (failure.ConnectionType == ConnectionType.Interactive)
                NoteLost(failure.EndPoint, failure.FailureType);
        };
        multiplexer.ConnectionRestored += (_, restored) =>
        {
            if (restored.ConnectionType == ConnectionType.Interactive)
                NoteBack(restored.EndPoint);
        };
        _multiplexer = multiplexer;
        _connected.TrySetResult(multiplexer);
        if (multiplexer.IsConnected)
            Log.Connected(_logger);
        // Nobody heard what failed before the handlers were there.
        foreach (var server in multiplexer.GetServers())
        {
            if (!server.IsConnected)
                NoteLost(server.EndPoint, ConnectionFailureType.UnableToConnect);
        }
    }

    // Tries to reconnect fail ten times a second; only the first of them is news.
    private void NoteLost(EndPoint? server, ConnectionFailureType cause)
    {
        lock (_lost)
        {
            if (server is not null && !_stopping.IsCancellationRequested && _lost.Add(server))
                Log.ServerLost(_logger, server, cause);
        }
    }

    private void NoteBack(EndPoint? server)
    {
        lock (_lost)
        {
            if (server is not null && _lost.Remove(server))
                Log.ServerBack(_logger, server);
        }
    }

    // Notices a lost server and its return within a fraction of a second, and never makes a call wait for it.
    private sealed class ConnectionDefaults(RedisOptions options) : DefaultOptionsProvider
    {
        public override bool AbortOnConnectFail => false;

        public override BacklogPolicy BacklogPolicy => BacklogPolicy.FailFast;

        public override TimeSpan? ConnectTimeout => TimeSpan.FromSeconds(1);

        public override int ConnectRetry => 1;

        public override IReconnectRetryPolicy ReconnectRetryPolicy { get; } = new LinearRetry(100);

        public override TimeSpan HeartbeatInterval => TimeSpan.FromMilliseconds(200);

        public override TimeSpan ConfigCheckInterval => TimeSpan.FromSeconds(1);

        // Of one command, answered or not; requests give up long before. A server silent for four times as long is taken for dead and connected to anew.
        public override TimeSpan SyncTimeout { get; } = options.Timeout > LongestCommand ? options.Timeout : LongestCommand;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Connected to Redis")]
        public static partial void Connected(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "Cannot connect to Redis; retrying every second")]
        public static partial void NotConnected(ILogger logger, Exception error);

        [LoggerMessage(3, LogLevel.Warning, "Lost the Redis server {Server} ({Cause}); reconnecting")]
        public static partial void ServerLost(ILogger logger, EndPoint server, ConnectionFailureType cause);

        [LoggerMessage(4, LogLevel.Information, "Redis server {Server} is back")]
        public static partial void ServerBack(ILogger logger, EndPoint server);

        [LoggerMessage(5, LogLevel.Debug, "Could not refresh the cluster topology")]
        public static partial void NotReconfigured(ILogger logger, Exception error);

        [LoggerMessage(6, LogLevel.Warning, "Redis refuses calls: {Reply}")]
        public static partial void Refused(ILogger logger, string reply);
    }
}
