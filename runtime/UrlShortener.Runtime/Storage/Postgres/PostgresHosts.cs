using System.Net;
using System.Net.Sockets;
using Npgsql;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// The hosts of a connection string as two pools: the primary, and the replicas. The driver can choose among hosts too, but it tries them within a request, one
/// after the other, so a host that hangs delays requests to the others. While a name cannot be resolved, connections are made to the last known addresses; the
/// driver itself would give up.
/// </summary>
internal sealed class PostgresHosts : IAsyncDisposable
{
    private static readonly TimeSpan ResolveInterval = TimeSpan.FromSeconds(2);

    private readonly NpgsqlConnectionStringBuilder _settings;
    private readonly RememberedNames _names;
    private readonly PostgresCancellations _cancellations;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Pools _byName;
    private Task _watch = Task.CompletedTask;
    private Pools? _byAddress;
    private bool _isDisposed;
    private volatile Pools _current;

    public PostgresHosts(ConnectionOptions connections, PostgresOptions options, RememberedNames names, PostgresCancellations cancellations, TimeProvider time)
    {
        _settings = Configure(connections.Postgres!, options);
        _names = names;
        _cancellations = cancellations;
        _time = time;
        _byName = _current = new Pools(_settings, cancellations, time);
        AreSeveral = _settings.Host!.Contains(',', StringComparison.Ordinal);
    }

    /// <summary>Opens connections to the primary.</summary>
    public NpgsqlDataSource Primary => _current.Primary;

    /// <summary>Opens connections to replicas that answer, or to the primary while no replica answers.</summary>
    public NpgsqlDataSource Replicas => _current.Replicas;

    /// <summary>Searches for the primary and opens connections to it. For callers that have the time and start before the primary is known.</summary>
    public NpgsqlDataSource AnyPrimary => _current.AnyPrimary;

    /// <summary>How far each host is behind; empty with a single host.</summary>
    public IReadOnlyList<ReplicaLag> Lags => _current.Lags;

    /// <summary>Whether there is more than one host.</summary>
    public bool AreSeveral { get; }

    /// <summary>Starts to watch the hosts and their names. Called once, before the first connection.</summary>
    public void Start()
    {
        ReplicationMetrics.ReadBy(() => Lags);
        _byName.Start();
        // With VerifyFull, a certificate is checked against the host name, which an address does not match. No connection is better than an unverified one.
        if (_settings.SslMode != SslMode.VerifyFull && HostsOf(_settings.Host!).Any(host => !IPAddress.TryParse(host.Name, out _) && !host.IsPath))
            _watch = Task.Run(WatchNamesAsync);
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

    private async Task WatchNamesAsync()
    {
        using var timer = new PeriodicTimer(ResolveInterval, _time);
        do
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
        } while (await timer.WaitForNextTickAsync(_stopping.Token));
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
}
