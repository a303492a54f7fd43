using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// The hosts of a connection string as two pools: the primary, and the replicas. The driver can choose among hosts too, but it tries them within a request, one
/// after the other, so a host that hangs delays requests to the others. While a name cannot be resolved, connections are made to the last known addresses; the
/// driver itself would give up. A connection string in a file may change: its new hosts and credentials are used once a primary accepts them, in a standby
/// region once a replica does.
/// </summary>
internal sealed partial class PostgresHosts : IAsyncDisposable
{
    private static readonly TimeSpan ResolveInterval = TimeSpan.FromSeconds(2);

    // Longer than any call that has chosen a pool waits for a connection.
    private static readonly TimeSpan FormerLifetime = TimeSpan.FromSeconds(10);

    private readonly PostgresOptions _options;
    private readonly string? _path;
    private readonly WriteAccess? _access;
    private readonly ILogger _logger;
    private readonly List<(Pools Pools, long Since)> _former = [];
    private readonly RememberedNames _names;
    private readonly PostgresCancellations _cancellations;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private NpgsqlConnectionStringBuilder _settings;
    private Pools _byName;
    private string? _text;
    private string? _refused;
    private Task _watch = Task.CompletedTask;
    private Pools? _byAddress;
    private bool _isDisposed;
    private volatile Pools _current;

    public PostgresHosts(
        ConnectionOptions connections,
        PostgresOptions options,
        RememberedNames names,
        PostgresCancellations cancellations,
        TimeProvider time,
        ILogger<PostgresHosts>? logger = null,
        WriteAccess? access = null
    )
    {
        _options = options;
        _path = connections.PostgresPath;
        _access = access;
        _logger = logger ?? NullLogger<PostgresHosts>.Instance;
        _text = connections.Postgres;
        _settings = Configure(connections.Postgres!, options);
        _names = names;
        _cancellations = cancellations;
        _time = time;
        _byName = _current = new Pools(_settings, cancellations, time);
    }

    /// <summary>Opens connections to the primary.</summary>
    public NpgsqlDataSource Primary => _current.Primary;

    /// <summary>Opens connections to replicas that answer, or to the primary while no replica answers.</summary>
    public NpgsqlDataSource Replicas => _current.Replicas;

    /// <summary>Opens connections to the primary or, while no host is known as one, to the replica that has replayed most.</summary>
    public NpgsqlDataSource Newest => _current.Newest;

    /// <summary>Opens connections to the replica that has replayed most, or to any host while no replica answers.</summary>
    public NpgsqlDataSource NewestReplica => _current.NewestReplica;

    /// <summary>Searches for the primary and opens connections to it. For callers that have the time and start before the primary is known.</summary>
    public NpgsqlDataSource AnyPrimary => _current.AnyPrimary;

    /// <summary>How far each host is behind; empty with a single host.</summary>
    public IReadOnlyList<ReplicaLag> Lags => _current.Lags;

    /// <summary>Whether there is more than one host.</summary>
    public bool AreSeveral => _current.Host.Contains(',', StringComparison.Ordinal);

    /// <summary>Starts to watch the hosts and their names. Called once, before the first connection.</summary>
    public void Start()
    {
        ReplicationMetrics.ReadBy(() => Lags);
        _byName.Start();
        if (_path is not null || HasNamesToResolve(_settings))
            _watch = Task.Run(WatchAsync);
    }

    /// <inheritdoc />
    // A container disposes of a service once per registered contract.
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;
        await _stopping.CancelAsync();
        await _watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _byName.DisposeAsync();
        if (_byAddress is not null)
            await _byAddress.DisposeAsync();
        foreach (var (pools, _) in _former)
            await pools.DisposeAsync();
        _stopping.Dispose();
    }

    // Sets defaults only; values from the connection string stay.
    private static NpgsqlConnectionStringBuilder Configure(string connectionString, PostgresOptions options)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        var given = new System.Data.Common.DbConnectionStringBuilder { ConnectionString = connectionString };
        SetDefault("Application Name", "url-shortener");
        SetDefault("Maximum Pool Size", options.MaxConnections);
        SetDefault("Timeout", (int)Math.Ceiling(options.ConnectTimeout.TotalSeconds));
        // Milliseconds. If a server does not even accept a cancellation, waiting is pointless: the connection is given up.
        SetDefault("Cancellation Timeout", 200);
        // Otherwise each connection, including those that send a cancellation, would first ask the server for encryption by GSS.
        SetDefault("GSS Encryption Mode", GssEncryptionMode.Disable);
        // How long a known primary is trusted before it is checked again, in seconds.
        SetDefault("Host Recheck Seconds", 1);
        SetDefault("Max Auto Prepare", 50);
        SetDefault("Auto Prepare Min Usages", 2);
        // Keepalive by the operating system, in seconds. The driver's own keepalive queries would each block a thread of the thread pool while a server hangs.
        SetDefault("Tcp Keepalive", true);
        SetDefault("Tcp Keepalive Time", 5);
        SetDefault("Tcp Keepalive Interval", 1);
        // Nothing here changes the state of a session, so there is nothing to reset. The driver would send seven statements with the first one of every use.
        SetDefault("No Reset On Close", true);
        return settings;

        void SetDefault(string name, object value)
        {
            if (!given.ContainsKey(name))
                settings[name] = value;
        }
    }

    private static IEnumerable<(string Name, string Port, bool IsPath)> HostsOf(string hosts) =>
        hosts
            .Split(',', StringSplitOptions.TrimEntries)
            .Select(host =>
            {
                // An IPv6 address contains colons. It is written in brackets if a port follows.
                var colon =
                    host.StartsWith('[') ? host.IndexOf("]:", StringComparison.Ordinal) + 1
                    : host.Count(character => character == ':') == 1 ? host.IndexOf(':', StringComparison.Ordinal)
                    : 0;
                return (
                    colon > 0 ? host[..colon].Trim('[', ']') : host.Trim('[', ']'),
                    colon > 0 ? host[colon..] : "",
                    host.StartsWith('/') || host.StartsWith('@')
                );
            });

    // With VerifyFull, a certificate is checked against the host name, which an address does not match. No connection is better than an unverified one.
    private static bool HasNamesToResolve(NpgsqlConnectionStringBuilder settings) =>
        settings.SslMode != SslMode.VerifyFull && HostsOf(settings.Host!).Any(host => !IPAddress.TryParse(host.Name, out _) && !host.IsPath);

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(ResolveInterval, _time);
        do
        {
            await DisposeFormerAsync();
            if (_path is not null)
                await FollowFileAsync(_path);
            if (HasNamesToResolve(_settings))
                await FollowNamesAsync();
        } while (await timer.WaitForNextTickAsync(_stopping.Token));
    }

    // The former pools stay until the new ones work: a file that somebody has spoilt breaks nothing.
    private async Task FollowFileAsync(string path)
    {
        if (ConnectionFiles.TryRead(path) is not { } text || text == _text)
            return;
        NpgsqlConnectionStringBuilder settings;
        try
        {
            settings = Configure(text, _options);
        }
        catch (ArgumentException)
        {
            // Its message may quote the text.
            NoteRefused(text, "it is not a connection string");
            return;
        }

        if (string.IsNullOrEmpty(settings.Host))
        {
            NoteRefused(text, "it names no host");
            return;
        }

        var next = new Pools(settings, _cancellations, _time);
        try
        {
            // None of the new hosts was asked yet what it is.
            var source = _access is { IsStandby: true } ? next.NewestReplica : next.AnyPrimary;
            await using var probe = await source.OpenConnectionAsync(_stopping.Token);
        }
        catch (Exception error) when (!_stopping.IsCancellationRequested && error is NpgsqlException or TimeoutException or SocketException or IOException)
        {
            await next.DisposeAsync();
            NoteRefused(text, error.Message);
            return;
        }
        catch
        {
            await next.DisposeAsync();
            throw;
        }

        next.Start();
        (_text, _refused, _settings) = (text, null, settings);
        Replace(_byName);
        if (_byAddress is { } byAddress)
            Replace(byAddress);
        (_byName, _byAddress, _current) = (next, null, next);
        Log.Changed(_logger);

        // Idle connections end at once, the others after their use.
        void Replace(Pools former)
        {
            _former.Add((former, _time.GetTimestamp()));
            former.Clear();
        }
    }

    private void NoteRefused(string text, string why)
    {
        if (_refused != text)
            Log.Refused(_logger, why);
        _refused = text;
    }

    private async Task DisposeFormerAsync()
    {
        foreach (var former in _former.Where(former => _time.GetElapsedTime(former.Since) >= FormerLifetime).ToList())
        {
            _former.Remove(former);
            await former.Pools.DisposeAsync();
        }
    }

    private async Task FollowNamesAsync()
    {
        var hosts = new List<string>();
        var areSomeFromMemory = false;
        foreach (var host in HostsOf(_settings.Host!))
        {
            var (addresses, isFromMemory) = host.IsPath ? ([], false) : await _names.ResolveAsync(host.Name, _stopping.Token);
            areSomeFromMemory |= isFromMemory && addresses.Length > 0;
            var address = addresses.FirstOrDefault();
            hosts.Add(
                (
                    address is null ? host.Name
                    : address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]"
                    : address.ToString()
                ) + host.Port
            );
        }

        var next = areSomeFromMemory ? await ByAddressAsync(string.Join(',', hosts)) : _byName;
        // Idle connections may have been broken by the server meanwhile; each of them would fail a request.
        if (next != _current)
            next.Clear();
        _current = next;
    }

    private async ValueTask<Pools> ByAddressAsync(string hosts)
    {
        if (_byAddress?.Host == hosts)
            return _byAddress;
        if (_byAddress is not null)
            await _byAddress.DisposeAsync();
        _byAddress = new Pools(new NpgsqlConnectionStringBuilder(_settings.ConnectionString) { Host = hosts }, _cancellations, _time);
        _byAddress.Start();
        return _byAddress;
    }

    private sealed class Pools : IAsyncDisposable
    {
        private readonly NpgsqlMultiHostDataSource _source;
        private readonly NpgsqlDataSource _anyReplica;
        private readonly PostgresHost[] _hosts;
        private int _next;

        public Pools(NpgsqlConnectionStringBuilder settings, PostgresCancellations cancellations, TimeProvider time)
        {
            Host = settings.Host!;
            _source = new NpgsqlDataSourceBuilder(settings.ConnectionString).BuildMultiHost();
            AnyPrimary = _source.WithTargetSession(TargetSessionAttributes.Primary);
            _anyReplica = _source.WithTargetSession(TargetSessionAttributes.PreferStandby);
            var hosts = Host.Split(',', StringSplitOptions.TrimEntries);
            var (written, start) = (new WrittenPositions(), time.GetTimestamp());
            // With a single host there is nothing to choose, so it is not watched.
            _hosts =
                hosts.Length == 1
                    ? []
                    :
                    [
                        .. hosts.Select(host => new PostgresHost(
                            new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Host = host },
                            written,
                            start,
                            cancellations,
                            time
                        )),
                    ];
        }

        public string Host { get; }

        public IReadOnlyList<ReplicaLag> Lags => [.. _hosts.Select((host, index) => new ReplicaLag(index + 1, host.Lag))];

        public NpgsqlDataSource AnyPrimary { get; }

        // A host that hangs or is gone stays the primary until another one takes writes. Callers wait for it; no host with an older timeline may replace it.
        public NpgsqlDataSource Primary => _hosts.Where(host => host.IsPrimary).MaxBy(host => host.Timeline)?.Source ?? AnyPrimary;

        // Before all hosts were asked, one of them may be the primary.
        public NpgsqlDataSource Newest =>
            _hosts.Any(host => host.IsPrimary) ? Primary
            : _hosts.All(host => host.WasAsked) ? NewestReplica
            : AnyPrimary;

        public NpgsqlDataSource NewestReplica => _hosts.Where(host => host.IsReadyReplica).MaxBy(host => host.Replayed)?.Source ?? _anyReplica;

        public NpgsqlDataSource Replicas
        {
            get
            {
                var first = (uint)Interlocked.Increment(ref _next);
                for (var i = 0u; i < _hosts.Length; i++)
                {
                    var host = _hosts[(first + i) % _hosts.Length];
                    if (host.IsReadyReplica)
                        return host.Source;
                }

                return _hosts.Any(host => host.IsPrimary) ? Primary : _anyReplica;
            }
        }

        public void Start()
        {
            foreach (var host in _hosts)
                host.Start();
        }

        public void Clear()
        {
            _source.Clear();
            foreach (var host in _hosts)
                host.Source.Clear();
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var host in _hosts)
                await host.DisposeAsync();
            await _source.DisposeAsync();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "The file with the connection string of PostgreSQL has changed; using it for new connections")]
        public static partial void Changed(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "The file with the connection string of PostgreSQL has changed and cannot be used; keeping the former one: {Why}")]
        public static partial void Refused(ILogger logger, string why);
    }
}
