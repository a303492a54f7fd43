using Npgsql;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// One of several hosts: its connection pool, and its role when it last answered. It is probed several times a second on a dedicated connection, so that no
/// request has to find out whether it hangs, was promoted, or is gone.
/// </summary>
internal sealed class PostgresHost : IAsyncDisposable
{
    private const string StateSql =
        "SELECT CASE WHEN pg_is_in_recovery() THEN 0 ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(500);

    private readonly NpgsqlDataSource _probes;
    private readonly PostgresCancellations _cancellations;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private Task _watch = Task.CompletedTask;
    private NpgsqlConnection? _connection;
    private volatile bool _isAnswering;
    private volatile int _timeline = -1;

    /// <param name="settings">Connection settings with this host only.</param>
    /// <param name="cancellations">Cancels probes that are not answered.</param>
    /// <param name="time">The clock.</param>
    public PostgresHost(NpgsqlConnectionStringBuilder settings, PostgresCancellations cancellations, TimeProvider time)
    {
        Source = NpgsqlDataSource.Create(settings);
        _probes = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = false });
        _cancellations = cancellations;
        _time = time;
    }

    /// <summary>Opens connections to the host.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>Whether the host took writes when it last answered, which may be long ago.</summary>
    public bool IsPrimary => _timeline > 0;

    /// <summary>Counts promotions. If two hosts take writes, the one with the smaller number was replaced. 0: a replica; -1: not known.</summary>
    public int Timeline => _timeline;

    /// <summary>Whether the host is a replica and answers.</summary>
    public bool IsReadyReplica => _isAnswering && _timeline == 0;

    /// <summary>Starts to probe the host.</summary>
    public void Start() => _watch = Task.Run(WatchAsync);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Source.DisposeAsync();
        await _probes.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Interval, _time);
        try
        {
            do await ProbeAsync();
            while (await timer.WaitForNextTickAsync(_stopping.Token));
        }
        finally
        {
            if (_connection is not null)
                await _connection.DisposeAsync();
        }
    }

    private async Task ProbeAsync()
    {
        using var limit = new CancellationTokenSource(Limit, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
        // The probe owns the connection until it is answered. An abandoned probe disposes of the connection.
        var connection = _connection;
        _connection = null;
        try
        {
            (_connection, _timeline) = await _cancellations.WithinAsync(token => AskAsync(connection, token), both.Token);
            _isAnswering = true;
        }
        // Catches everything: requests meet the same failure and report it. Here it only means that other hosts are used first.
        catch (Exception) when (!_stopping.IsCancellationRequested)
        {
            _isAnswering = false;
        }
    }

    private async Task<(NpgsqlConnection Connection, int Timeline)> AskAsync(NpgsqlConnection? connection, CancellationToken cancellationToken)
    {
        try
        {
            connection ??= await _probes.OpenConnectionAsync(cancellationToken);
            await using var command = new NpgsqlCommand(StateSql, connection);
            var timeline = (int)(await command.ExecuteScalarAsync(cancellationToken))!;
            cancellationToken.ThrowIfCancellationRequested();
            return (connection, timeline);
        }
        catch
        {
            if (connection is not null)
                await connection.DisposeAsync();
            throw;
        }
    }
}
