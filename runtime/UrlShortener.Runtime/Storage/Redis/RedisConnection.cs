using System.Net;
using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>
/// The only connection of this process to a Redis Cluster or a single server. It is made in the background: neither start-up nor a request waits for servers
/// that are unavailable. Calls fail at once until the servers are back. A configuration in a file may change: its user name and password are used for new
/// connections, and connections that exist stay until the server ends them.
/// </summary>
internal sealed partial class RedisConnection : IHostedService, IAsyncDisposable
{
    /// <summary>Time limit of work that no request waits for, including scripts that are sent a second time and redirections.</summary>
    public static readonly TimeSpan BackgroundTimeout = TimeSpan.FromSeconds(2);

    /// <summary>First part of the name that a connection has at the servers if its configuration is in a file. A digest of the credentials follows.</summary>
    public const string NamePrefix = "url-shortener-";

    private const int FailuresToOpen = 2;
    private const int DigestLength = 16;

    private static readonly TimeSpan LongestCommand = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FileInterval = TimeSpan.FromSeconds(2);

    // Longer than the interval between two announcements of a process.
    private static readonly TimeSpan RefusalLifetime = ProcessCensus.Interval + TimeSpan.FromSeconds(1);

    private readonly ConfigurationOptions _configuration;
    private readonly string? _path;
    private string? _text;
    private string? _name;
    private long _followedAt;
    private bool _isFileRefused;
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

    /// <param name="connections">Connection strings. The one for Redis must be set.</param>
    /// <param name="options">Limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Receives what happens to the servers, never their connection string.</param>
    /// <param name="tunnel">Finds the addresses to connect to; null to use the system's name resolution.</param>
    public RedisConnection(ConnectionOptions connections, RedisOptions options, TimeProvider time, ILogger<RedisConnection> logger, Tunnel? tunnel = null)
    {
        var text = connections.Redis ?? throw new ArgumentException("ConnectionStrings:Redis is not set.", nameof(connections));
        _configuration = BuildConfiguration(text, options, tunnel);
        _path = connections.RedisPath;
        _time = time;
        if (_path is not null)
            Take(text, _configuration);
        _logger = logger;
        _breakDuration = options.BreakDuration;
        // The default sampling period is short, because a breaker opens when half of all calls failed: many successful calls in a long period would delay it.
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

    /// <summary>The connection; null until the first connection attempt has ended.</summary>
    public ConnectionMultiplexer? Multiplexer => _multiplexer;

    /// <summary>Whether at least one server is connected.</summary>
    public bool IsConnected => _multiplexer?.IsConnected == true;

    /// <summary>Whether a server refused a call recently: a key of another type, no memory left, no permission.</summary>
    public bool IsRefused => Volatile.Read(ref _refusedAt) is var at and not 0 && _time.GetElapsedTime(at) < RefusalLifetime;

    /// <summary>Records that a server refused a call.</summary>
    /// <param name="reply">The server's reply, which contains no key.</param>
    public void NoteRefused(string reply)
    {
        if (!IsRefused)
            Log.Refused(_logger, reply);
        Volatile.Write(ref _refusedAt, Math.Max(1, _time.GetTimestamp()));
    }

    /// <summary>Waits for the connection and returns it. Its servers may be unavailable nevertheless.</summary>
    public Task<ConnectionMultiplexer> WaitAsync(CancellationToken cancellationToken) => _connected.Task.WaitAsync(cancellationToken);

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Start();
        return Task.CompletedTask;
    }

    /// <summary>Starts to connect.</summary>
    public void Start() => _running = RunAsync();

    /// <inheritdoc />
    // Other services still use the connection while they stop. It is disposed of with the process' services.
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        // A container that registers the object as two services disposes of it twice.
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;
        await _stopping.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _connected.TrySetCanceled();
        if (_multiplexer is { } multiplexer)
            await multiplexer.DisposeAsync();
        _stopping.Dispose();
    }

    /// <summary>Builds the client's configuration: our defaults, overridden by the connection string. It cannot make start-up wait for servers.</summary>
    internal static ConfigurationOptions BuildConfiguration(string text, RedisOptions options, Tunnel? tunnel)
    {
        var configuration = ConfigurationOptions.Parse(text);
        configuration.Defaults = new ConnectionDefaults(options);
        configuration.AbortOnConnectFail = false;
        configuration.Tunnel ??= tunnel;
        if (options.CertificateAuthorityPath is { } path)
            configuration.CertificateValidation += new AuthorityFile(path).IsTrusted;
        return configuration;
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        await ConnectAsync();
        using var timer = new PeriodicTimer(_breakDuration, _time);
        while (await timer.WaitForNextTickAsync(_stopping.Token))
        {
            if (_time.GetElapsedTime(_followedAt) >= FileInterval)
                await FollowFileAsync();
            if (Requests.IsOpen || Background.IsOpen)
                await RecoverAsync(_multiplexer!);
        }
    }

    // The client asks its defaults for the credentials of each new connection.
    private void Take(string text, ConfigurationOptions parsed)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{parsed.User}\n{parsed.Password}"));
        _text = text;
        _name = NamePrefix + Convert.ToHexStringLower(digest)[..DigestLength];
        ((ConnectionDefaults)_configuration.Defaults).Credentials = (parsed.User, parsed.Password);
        _configuration.User = _configuration.Password = null;
    }

    private async Task FollowFileAsync()
    {
        if (_path is null)
            return;
        _followedAt = _time.GetTimestamp();
        try
        {
            if (ConnectionFiles.TryRead(_path) is { } text && text != _text)
            {
                Take(text, ConfigurationOptions.Parse(text));
                _isFileRefused = false;
                Log.Changed(_logger);
            }
        }
        catch (ArgumentException)
        {
            // The message may quote the text.
            if (!_isFileRefused)
                Log.FileRefused(_logger);
            _isFileRefused = true;
        }

        // Tells the operator which credentials this process has: it ends the former ones when no connection has their name any more.
        foreach (var server in _multiplexer?.GetServers().Where(server => server.IsConnected) ?? [])
        {
            try
            {
                await server.ExecuteAsync("CLIENT", "SETNAME", _name!).WaitAsync(BackgroundTimeout, _time, _stopping.Token);
            }
            catch (Exception error) when (!error.IsStopBy(_stopping.Token))
            {
                Log.NotNamed(_logger, error);
            }
        }
    }

    // A hanging master neither breaks its connection nor redirects calls, so the client must ask whether a replica took over. A breaker closes after a
    // successful call. These probes make that call, so that no request has to try, and a process without requests recovers too.
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
            // Unavailable servers do not cause an exception here. Other failures, such as a server that rejects the password, may be gone at the next attempt.
            catch (Exception error) when (!error.IsStopBy(_stopping.Token))
            {
                if (!isTold)
                    Log.NotConnected(_logger, error);
                isTold = true;
            }

            await Task.Delay(RetryDelay, _time, _stopping.Token);
            await FollowFileAsync();
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
        // Report servers that failed before the handlers were registered.
        foreach (var server in multiplexer.GetServers())
        {
            if (!server.IsConnected)
                NoteLost(server.EndPoint, ConnectionFailureType.UnableToConnect);
        }
    }

    // Reconnection attempts fail ten times a second; log only the first failure.
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

    // Detects a lost server and its return within a fraction of a second, and never makes a call wait for it.
    private sealed class ConnectionDefaults(RedisOptions options) : DefaultOptionsProvider
    {
        // One reference, so that a connection never has the name of one user and the password of another.
        private volatile Tuple<string?, string?>? _credentials;

        public (string? User, string? Password) Credentials
        {
            set => _credentials = Tuple.Create(value.User, value.Password);
        }

        public override string? User => _credentials?.Item1;

        public override string? Password => _credentials?.Item2;

        public override bool AbortOnConnectFail => false;

        // INFO counts as one of the commands that this admits; it is the only one that is used.
        public override bool AllowAdmin => true;

        public override BacklogPolicy BacklogPolicy => BacklogPolicy.FailFast;

        public override TimeSpan? ConnectTimeout => TimeSpan.FromSeconds(1);

        public override int ConnectRetry => 1;

        public override IReconnectRetryPolicy ReconnectRetryPolicy { get; } = new LinearRetry(100);

        public override TimeSpan HeartbeatInterval => TimeSpan.FromMilliseconds(200);

        public override TimeSpan ConfigCheckInterval => TimeSpan.FromSeconds(1);

        // Time limit of one command; requests give up much earlier. A server that is silent for four times as long counts as lost, and the client reconnects.
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

        [LoggerMessage(7, LogLevel.Information, "The file with the configuration of Redis has changed; using its credentials for new connections")]
        public static partial void Changed(ILogger logger);

        [LoggerMessage(9, LogLevel.Warning, "The file with the configuration of Redis has changed and cannot be read as one; keeping the former credentials")]
        public static partial void FileRefused(ILogger logger);

        [LoggerMessage(8, LogLevel.Debug, "Could not name a connection")]
        public static partial void NotNamed(ILogger logger, Exception error);
    }
}
