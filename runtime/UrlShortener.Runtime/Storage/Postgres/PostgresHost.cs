using Npgsql;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// One of several hosts: its connection pool, and its role when it last answered. It is probed several times a second on a dedicated connection, so that no
/// request has to find out whether it hangs, was promoted, or is gone.
/// </summary>
internal sealed class PostgresHost : IAsyncDisposable
{
    // The timeline, 0 on a replica; and the position in the log: written by the primary, replayed by a replica.
    private const string StateSql = """
        SELECT CASE WHEN pg_is_in_recovery() THEN 0 ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
            (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::bigint
        """;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(500);

    // Longer than a few probes take on a busy machine.
    private static readonly TimeSpan LagPatience = TimeSpan.FromSeconds(5);

    private readonly NpgsqlDataSource _probes;
    private readonly WrittenPositions _written;
    private readonly PostgresCancellations _cancellations;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly CancellationTokenSource _stopping = new();
    private Task _watch = Task.CompletedTask;
    private NpgsqlConnection? _connection;
    private volatile bool _isAnswering;
    private volatile bool _wasAsked;
    private volatile int _timeline = -1;
    private volatile ReplayedPosition? _replayed;

    /// <param name="settings">Connection settings with this host only.</param>
    /// <param name="written">Positions of the primary among the hosts.</param>
    /// <param name="start">Timestamp that these positions' times count from.</param>
    /// <param name="cancellations">Cancels probes that are not answered.</param>
    /// <param name="time">The clock.</param>
    public PostgresHost(NpgsqlConnectionStringBuilder settings, WrittenPositions written, long start, PostgresCancellations cancellations, TimeProvider time)
    {
        Source = NpgsqlDataSource.Create(settings);
        _probes = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = false });
        _written = written;
        _start = start;
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

    /// <summary>Whether the first probe has ended, answered or not.</summary>
    public bool WasAsked => _wasAsked;

    /// <summary>Position in the log that the host has replayed; null: not known, or the host is the primary.</summary>
    public long? Replayed => _replayed?.Position;

    /// <summary>How long the host has not replayed what the primary wrote; null: not known, or the host is the primary.</summary>
    public TimeSpan? Lag => _replayed is { } replayed && Now - replayed.At <= LagPatience ? _written.LagOf(replayed.Position, replayed.At, LagPatience) : null;

    private TimeSpan Now => _time.GetElapsedTime(_start);

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
        // The probe owns the connection until it is answered.
        var connection = _connection;
        _connection = null;
        try
        {
            (_connection, _timeline, var position) = await _cancellations.WithinAsync(
                token => AskAsync(connection, token),
                both.Token,
                // The answer came when nobody waited for it any more.
                late => late.Connection.Dispose()
            );
            _isAnswering = true;
            NotePosition(position);
        }
        // Catches everything: requests meet the same failure and report it. Here it only means that other hosts are used first.
        catch (Exception) when (!_stopping.IsCancellationRequested)
        {
            _isAnswering = false;
        }

        _wasAsked = true;
    }

    private void NotePosition(long? position)
    {
        if (_timeline > 0 && position is { } written)
            _written.Note(_timeline, written, Now);
        _replayed = _timeline == 0 && position is { } replayed ? new ReplayedPosition(replayed, Now) : null;
    }

    private async Task<(NpgsqlConnection Connection, int Timeline, long? Position)> AskAsync(NpgsqlConnection? connection, CancellationToken cancellationToken)
    {
        try
        {
            connection ??= await _probes.OpenConnectionAsync(cancellationToken);
            await using var command = new NpgsqlCommand(StateSql, connection);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            var state = (reader.GetInt32(0), await reader.IsDBNullAsync(1, cancellationToken) ? (long?)null : reader.GetInt64(1));
            return (connection, state.Item1, state.Item2);
        }
        catch
        {
            if (connection is not null)
                await connection.DisposeAsync();
            throw;
        }
    }

    private sealed record ReplayedPosition(long Position, TimeSpan At);
}
