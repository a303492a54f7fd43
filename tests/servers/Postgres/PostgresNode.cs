using System.Data.Common;
using System.Net.Sockets;
using Npgsql;
using UrlShortener.TestServers.Network;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Postgres;

/// <summary>
/// One server of a <see cref="PostgresCluster"/>. Its role is what it says itself when it is asked. Operations return when their effect is there.
/// </summary>
public sealed class PostgresNode : IAsyncDisposable
{
    private const string StateSql = """
        SELECT pg_is_in_recovery(),
            CASE WHEN pg_is_in_recovery() THEN '0' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,
            (CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END - '0/0')::bigint
        """;

    private const string ReplayedSql = "SELECT (coalesce(pg_last_wal_replay_lsn(), '0/0') - '0/0')::bigint";
    private const string SourceSql = "SELECT coalesce((SELECT sender_port FROM pg_stat_wal_receiver WHERE status = 'streaming'), 0)";
    private const string Package = "postgresql";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly PostgresClusterOptions _options;

    /// <summary>Null in a container.</summary>
    private readonly PostgresPrograms? _programs;
    private readonly ServerFolder? _folder;
    private ServerProcess? _process;

    /// <summary>The node that this one follows when it starts; null for a primary.</summary>
    private PostgresNode? _source;

    /// <summary>A node that is a local process, to be started.</summary>
    internal PostgresNode(string name, PostgresClusterOptions options, PostgresPrograms programs, ServerFolder folder)
        : this(name, options, Ports.Take())
    {
        _programs = programs;
        _folder = folder;
    }

    /// <summary>A node that runs in a container.</summary>
    internal PostgresNode(string name, PostgresClusterOptions options, int port)
    {
        Name = name;
        _options = options;
        Port = port;
        Gate = options.Gated ? new TcpGate(port) : null;
    }

    /// <summary>The name by which the primary knows it as a replica (application_name).</summary>
    public string Name { get; }

    /// <summary>Always 127.0.0.1.</summary>
    public string Host { get; } = "127.0.0.1";

    /// <summary>The server's own port; the same in all its lives.</summary>
    public int Port { get; }

    /// <summary>The gate before it, where the cluster has them.</summary>
    public TcpGate? Gate { get; }

    /// <summary>Whether the node runs and is not frozen.</summary>
    public bool IsServing => _programs is null || _process is { IsRunning: true, IsFrozen: false };

    /// <summary>The number of the postmaster's process; null while it does not run and in a container.</summary>
    public int? ProcessId => _process is { IsRunning: true } process ? process.Id : null;

    private string DataFolder => _folder!.PathOf(Name);

    private string ConfigurationPath => _folder!.PathOf(Name + ".conf");

    /// <summary>A connection string of this node alone, past the gate.</summary>
    public string DirectConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = Host,
            Port = Port,
            Username = "postgres",
            Database = database,
            Pooling = false,
            // A node that is down refuses at once, and a frozen one is not asked: these only end a test that fails.
            Timeout = 60,
            CommandTimeout = 120,
        }.ConnectionString;

    /// <summary>Whether the node takes writes now. A node that does not answer is no primary.</summary>
    public async Task<bool> IsPrimaryAsync(CancellationToken cancellationToken) => await TryReadStateAsync(cancellationToken) is { IsPrimary: true };

    /// <summary>Starts the node again on the same data, in the role that it had. Does nothing while it runs.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        RequireProcess("Starting a node");
        if (_process is { IsRunning: true })
            return;
        if (_process is not null)
            await _process.DisposeAsync();
        await WriteConfigurationAsync(cancellationToken);
        var command = _programs!.Command("postgres", "-D", DataFolder, "-c", $"config_file={ConfigurationPath}");
        _process = await ServerProcess.StartAsync($"PostgreSQL {Name}", command, _folder!.FullName, _folder.PathOf(Name + ".log"), cancellationToken);
        await _process.WaitUntilReadyAsync(FindMissingAsync, cancellationToken);
    }

    /// <summary>Stops the node in order: what it committed is on its replicas, as far as they serve.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Running("Stopping a node").EndAsync(Signals.Interrupt, cancellationToken);

    /// <summary>Kills all processes of the node at once (SIGKILL): connections break and new ones are refused.</summary>
    public Task KillAsync(CancellationToken cancellationToken) => Running("Killing a node").KillAsync(cancellationToken);

    /// <summary>Stops all processes of the node where they are (SIGSTOP): connections stay and are accepted, and nothing answers.</summary>
    public Task FreezeAsync(CancellationToken cancellationToken) => Running("Freezing a node").FreezeAsync(cancellationToken);

    /// <summary>Lets a frozen node go on.</summary>
    public void Resume() => Running("Resuming a node").Resume();

    /// <summary>
    /// Makes a replica a primary, and returns when it takes writes. The old primary is not touched: unless it is down, there are two then. In a synchronous
    /// cluster writes wait until a replica follows.
    /// </summary>
    public async Task PromoteAsync(CancellationToken cancellationToken)
    {
        Running("Promoting a replica");
        await QueryAsync<bool>("SELECT pg_promote(wait => true, wait_seconds => 60)", cancellationToken);
        await Poll.UntilAsync($"{Name} takes writes", Limit, async token => await IsPrimaryAsync(token) ? null : "it is a replica", cancellationToken);
        _source = null;
    }

    /// <summary>
    /// Makes a running replica stream from another node, and returns when it does. A replica that has more than the new source had when it was promoted
    /// cannot follow: that ends in a <see cref="TimeoutException"/>, and <see cref="RejoinAsync"/> is for it.
    /// </summary>
    public async Task FollowAsync(PostgresNode source, CancellationToken cancellationToken)
    {
        var process = Running("Following another primary");
        _source = source;
        await WriteConfigurationAsync(cancellationToken);
        process.Signal(Signals.Hangup);
        await WaitUntilStreamingAsync(cancellationToken);
    }

    /// <summary>
    /// Makes this node a replica of another one with a fresh copy of its data, and returns when it streams. What only this node had is lost, as it is with
    /// an old primary whose last commits reached nobody. A node that still runs is killed first.
    /// </summary>
    public async Task RejoinAsync(PostgresNode source, CancellationToken cancellationToken)
    {
        RequireProcess("Rejoining as a replica");
        if (_process is not null)
            await _process.KillAsync(cancellationToken);
        if (Directory.Exists(DataFolder))
            ServerFolder.DeleteData(DataFolder);
        await CopyAsync(source, cancellationToken);
        await StartAsync(cancellationToken);
        await WaitUntilStreamingAsync(cancellationToken);
    }

    /// <summary>Ends the node. Its data stays until the cluster removes the folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            // An immediate shutdown: unlike a kill, it leaves no shared memory behind.
            await process.EndAsync(Signals.Quit, CancellationToken.None);
            await process.DisposeAsync();
        }

        if (Gate is not null)
            await Gate.DisposeAsync();
    }

    /// <summary>Makes an empty database cluster.</summary>
    internal async Task InitializeAsync(CancellationToken cancellationToken)
    {
        await _programs!.CreateFolderAsync(DataFolder, cancellationToken);
        string[] arguments = ["-D", DataFolder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
        await _programs.RunAsync(_folder!.FullName, "initdb", arguments, cancellationToken);
    }

    /// <summary>Makes a copy of a running node's data, to be started as its replica.</summary>
    internal async Task CopyAsync(PostgresNode source, CancellationToken cancellationToken)
    {
        _source = source;
        await _programs!.CreateFolderAsync(DataFolder, cancellationToken);
        string[] arguments = ["-h", source.Host, "-p", $"{source.Port}", "-U", "postgres", "-D", DataFolder, "-X", "stream", "--checkpoint=fast", "--no-sync"];
        await _programs.RunAsync(_folder!.FullName, "pg_basebackup", arguments, cancellationToken);
        // It says that the node starts as a replica, and goes away with a promotion.
        await File.WriteAllTextAsync(Path.Combine(DataFolder, "standby.signal"), "", cancellationToken);
    }

    /// <summary>What the node says of itself; null when it does not answer.</summary>
    internal async Task<PostgresState?> TryReadStateAsync(CancellationToken cancellationToken)
    {
        if (!IsServing)
            return null;
        try
        {
            await using var connection = new NpgsqlConnection(DirectConnectionString("postgres"));
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand(StateSql, connection);
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            await row.ReadAsync(cancellationToken);
            return new PostgresState(this, !row.GetBoolean(0), Convert.ToInt32(row.GetString(1), 16), row.GetInt64(2));
        }
        catch (Exception e) when (IsFault(e))
        {
            return null;
        }
    }

    /// <summary>Waits until what a primary had written at a position can be read here. Returns at once when this node does not serve.</summary>
    internal Task WaitUntilReplayedAsync(long position, CancellationToken cancellationToken) =>
        Poll.UntilAsync(
            $"{Name} has replayed up to {position}",
            Limit,
            async token =>
                !IsServing ? null
                : await QueryAsync<long>(ReplayedSql, token) is var replayed && replayed >= position ? null
                : $"{replayed}",
            cancellationToken
        );

    /// <summary>Waits until the node streams from its source.</summary>
    internal Task WaitUntilStreamingAsync(CancellationToken cancellationToken) =>
        Poll.UntilAsync(
            $"{Name} streams from {_source!.Name}",
            Limit,
            async token =>
            {
                var port = await QueryAsync<int>(SourceSql, token);
                return port == _source.Port ? null
                    : port == 0 ? $"it does not stream. Its log:\n{_process!.ReadLog()}"
                    : $"it streams from port {port}";
            },
            cancellationToken
        );

    /// <summary>Runs a statement on a connection of its own.</summary>
    internal async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(DirectConnectionString("postgres"));
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static bool IsFault(Exception e) => e is DbException or SocketException or IOException or TimeoutException;

    private async Task<T> QueryAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(DirectConnectionString("postgres"));
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task<string?> FindMissingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await QueryAsync<int>("SELECT 1", cancellationToken);
            return null;
        }
        catch (Exception e) when (IsFault(e))
        {
            return e.Message;
        }
    }

    /// <summary>
    /// The configuration lies beside the data, not in it: a copy of the data does not bring another node's. Later lines win, so the settings that the
    /// cluster rests on come last.
    /// </summary>
    private Task WriteConfigurationAsync(CancellationToken cancellationToken)
    {
        var onOff = _options.Durable ? "on" : "off";
        (string Name, string Value)[] settings =
        [
            ("shared_buffers", "64MB"),
            ("max_wal_size", "512MB"),
            ("wal_keep_size", "256MB"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            .. _options.Settings.Select(setting => (setting.Key, setting.Value)),
            ("listen_addresses", Host),
            ("port", $"{Port}"),
            ("unix_socket_directories", ""),
            ("max_connections", $"{_options.MaxConnections}"),
            ("fsync", onOff),
            ("full_page_writes", onOff),
            ("synchronous_commit", "on"),
            ("wal_level", "replica"),
            ("hot_standby", "on"),
            ("max_wal_senders", "10"),
            // The default of 5 s would be the length of many a failover.
            ("wal_retrieve_retry_interval", "100ms"),
            // Segments of a killed server would stay in /dev/shm; files in its data folder do not.
            ("dynamic_shared_memory_type", "mmap"),
            (
                "synchronous_standby_names",
                _options.Synchronous
                    ? $"ANY 1 ({string.Join(", ", Enumerable.Range(0, _options.Replicas + 1)
                .Select(PostgresCluster.NameOf).Where(name => name != Name))})"
                    : ""
            ),
            ("primary_conninfo", _source is { } source ? $"host={source.Host} port={source.Port} user=postgres application_name={Name}" : ""),
        ];
        var lines = settings.Select(setting => $"{setting.Name} = '{setting.Value.Replace("'", "''", StringComparison.Ordinal)}'");
        return File.WriteAllLinesAsync(ConfigurationPath, lines, cancellationToken);
    }

    private ServerProcess Running(string operation)
    {
        RequireProcess(operation);
        return _process is { IsRunning: true } process ? process : throw new InvalidOperationException($"{operation}: {Name} does not run.");
    }

    private void RequireProcess(string operation)
    {
        if (_programs is null)
            throw ServerUnavailableException.NeedsLocalProcess(operation, Package);
    }
}
