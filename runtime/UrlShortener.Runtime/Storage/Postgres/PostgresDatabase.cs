using System.Diagnostics;
using System.Runtime.CompilerServices;
using Npgsql;
using Prometheus;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// Runs statements of the stores on PostgreSQL: one server, or several with replication. Writes go to the host that is the primary, which is found again within
/// a second of a promotion. Lookups go to replicas and fall back to the primary; each of the two has its own breaker. Work that must not block them has its own
/// breakers too: queries whose cost callers determine, which also have few connections, and background work. A region that takes no changes refuses writes before
/// anything is sent; in a standby region, which has no primary, what asks for the newest state reads the replica that has replayed most.
/// </summary>
internal sealed partial class PostgresDatabase
{
    private const int OpenAttempts = 3;

    private static readonly TimeSpan OpenRetryDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan PatientTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BreakDuration = TimeSpan.FromMilliseconds(500);

    private readonly PostgresOptions _options;
    private readonly WriteAccess _access;
    private readonly TimeProvider _time;
    private readonly ILogger<PostgresDatabase> _logger;
    private readonly PostgresHosts _hosts;
    private readonly PostgresCancellations _cancellations;
    private readonly Dependency _primary;
    private readonly Dependency _primaryLookups;
    private readonly Dependency _replicas;
    private readonly Dependency _background;
    private readonly Dependency _patient;
    private readonly Dependency _primaryQueries;
    private readonly Dependency _replicaQueries;
    private readonly FairTurns _queryTurns;
    private readonly PostgresConnections _primaryConnections;
    private readonly PostgresConnections _replicaConnections;

    // Per connection pool, so that lookups that wait for a hanging server do not block lookups on another server.
    private readonly ConditionalWeakTable<NpgsqlDataSource, SemaphoreSlim> _turns = [];

    public PostgresDatabase(
        PostgresHosts hosts,
        PostgresCancellations cancellations,
        PostgresOptions options,
        WriteAccess access,
        TimeProvider time,
        ILogger<PostgresDatabase> logger
    )
    {
        _hosts = hosts;
        _cancellations = cancellations;
        _options = options;
        _access = access;
        _time = time;
        _logger = logger;
        _primary = new Dependency("postgres-primary", new DependencyOptions(options.WriteTimeout, BreakDuration, 3), IsOutage, time);
        _primaryLookups = new Dependency("postgres-primary", new DependencyOptions(options.ReadTimeout, BreakDuration, 3), IsOutage, time);
        _replicas = new Dependency("postgres-replicas", new DependencyOptions(options.ReadTimeout, BreakDuration, 3), IsOutage, time);
        _background = new Dependency("postgres-primary", new DependencyOptions(options.WriteTimeout, BreakDuration, 3), IsOutage, time);
        _patient = new Dependency("postgres-primary", new DependencyOptions(PatientTimeout, BreakDuration, 3), IsOutage, time);
        var query = new DependencyOptions(options.QueryTimeout, BreakDuration, 3) { IsTimeoutFailure = false };
        _primaryQueries = new Dependency("postgres-queries", query, IsOutage, time);
        _replicaQueries = new Dependency("postgres-queries", query, IsOutage, time);
        _queryTurns = new FairTurns(options.MaxQueries);
        _primaryConnections = new PostgresConnections(PostgresConnections.Primary, options.MaxConnections);
        _replicaConnections = new PostgresConnections(PostgresConnections.Replicas, options.MaxConnections);
    }

    /// <summary>How the last write of each kind ended.</summary>
    public LastWrite LastWrite { get; } = new();

    /// <summary>Whether the database follows that of another region.</summary>
    public bool IsStandby => _access.IsStandby;

    /// <summary>Runs work on the primary. Failed work is not repeated, since it may have taken effect. Only opening the connection is retried.</summary>
    /// <exception cref="ReadOnlyRegionException">The region takes no changes. Nothing was sent.</exception>
    public Task<T> WriteAsync<T>(string operation, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        WriteAsync(_primary, operation, work, cancellationToken);

    /// <summary>The same for background work. If it fails or takes long, links can still be created.</summary>
    public Task<T> WriteInBackgroundAsync<T>(string operation, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        WriteAsync(_background, operation, work, cancellationToken);

    /// <summary>The same for work that cannot be divided, and would be in vain if it were ended early.</summary>
    public Task<T> WritePatientlyAsync<T>(string operation, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        WriteAsync(_patient, operation, work, cancellationToken);

    /// <summary>Runs a query on the server with the newest state: the primary, or a replica while there is no primary.</summary>
    public async Task<T> ReadNewestAsync<T>(
        Func<NpgsqlConnection, CancellationToken, Task<T>> query,
        CancellationToken cancellationToken,
        [CallerMemberName] string operation = ""
    )
    {
        try
        {
            return await ReadPrimaryAsync(query, cancellationToken, operation);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested && (error is DependencyException || IsOutage(error)))
        {
            return await ReadNearAsync(query, cancellationToken, operation);
        }
    }

    /// <summary>Runs a query on the primary only; in a standby region, on the replica that has replayed most.</summary>
    public Task<T> ReadPrimaryAsync<T>(
        Func<NpgsqlConnection, CancellationToken, Task<T>> query,
        CancellationToken cancellationToken,
        [CallerMemberName] string operation = ""
    ) =>
        _access.IsStandby
            ? ReadNewestReplicaAsync(operation, query, takesTurns: false, cancellationToken)
            : ReadAsync(_primary, () => _hosts.Primary, _primaryConnections, operation, query, takesTurns: false, cancellationToken);

    /// <summary>Runs a query on a replica, whose state may lag behind; on the primary if there is no replica or none answers.</summary>
    public Task<T> ReadNearAsync<T>(
        Func<NpgsqlConnection, CancellationToken, Task<T>> query,
        CancellationToken cancellationToken,
        [CallerMemberName] string operation = ""
    ) => ReadNearAsync(operation, query, takesTurns: false, cancellationToken);

    /// <summary>Runs a query whose cost its caller determines, where the newest state is: on the primary, or a replica while there is no primary.</summary>
    /// <param name="caller">The user who asks; see <see cref="FairTurns"/>.</param>
    /// <param name="query">The query.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="operation">Name in traces.</param>
    /// <exception cref="QueryLimitException">The query took too long, which says nothing about the servers.</exception>
    public async Task<T> QueryNewestAsync<T>(
        long caller,
        Func<NpgsqlConnection, CancellationToken, Task<T>> query,
        CancellationToken cancellationToken,
        [CallerMemberName] string operation = ""
    )
    {
        try
        {
            return _access.IsStandby
                ? await QueryAsync(caller, _replicaQueries, () => _hosts.NewestReplica, _replicaConnections, operation, query, cancellationToken)
                : await QueryAsync(caller, _primaryQueries, () => _hosts.Primary, _primaryConnections, operation, query, cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested && IsAway(error))
        {
            return await QueryAsync(caller, _replicaQueries, () => _hosts.Replicas, _replicaConnections, operation, query, cancellationToken);
        }
    }

    /// <summary>Runs a query whose cost its caller determines on a replica, whose state may lag behind; on the primary if there is no replica or none
    /// answers.</summary>
    /// <param name="caller">The user who asks; see <see cref="FairTurns"/>.</param>
    /// <param name="query">The query.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="operation">Name in traces.</param>
    /// <exception cref="QueryLimitException">The query took too long, which says nothing about the servers.</exception>
    public async Task<T> QueryNearAsync<T>(
        long caller,
        Func<NpgsqlConnection, CancellationToken, Task<T>> query,
        CancellationToken cancellationToken,
        [CallerMemberName] string operation = ""
    )
    {
        if (ReadsFromReplicas)
        {
            try
            {
                return await QueryAsync(caller, _replicaQueries, () => _hosts.Replicas, _replicaConnections, operation, query, cancellationToken);
            }
            catch (Exception error) when (HasOtherPrimary && !cancellationToken.IsCancellationRequested && IsAway(error))
            {
                // Fall back to the primary.
            }
        }

        return await QueryAsync(caller, _primaryQueries, () => _hosts.Primary, _primaryConnections, operation, query, cancellationToken);
    }

    /// <summary>Time limit of a query whose cost its caller determines.</summary>
    public TimeSpan QueryTimeout => _options.QueryTimeout;

    /// <summary>Runs a lookup on a replica, and again on the primary if the result is missing or not good enough: it may not be replicated yet.</summary>
    /// <param name="query">The lookup.</param>
    /// <param name="isGood">Whether the answer of a replica is good enough.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="operation">Name in traces.</param>
    /// <exception cref="DependencyException">No server answered in time.</exception>
    public async Task<T> FindAsync<T>(
        Func<NpgsqlConnection, CancellationToken, Task<T>> query,
        Func<T, bool> isGood,
        CancellationToken cancellationToken,
        [CallerMemberName] string operation = ""
    )
    {
        if (!ReadsFromReplicas)
            return await LookUpOnPrimaryAsync(operation, query, takesTurns: true, cancellationToken);
        var isFromReplica = false;
        var near = await ReadNearAsync(
            operation,
            async (connection, token) =>
            {
                var found = await query(connection, token);
                // A server is in recovery until it is promoted. It reports this parameter by itself, so reading it needs no query.
                isFromReplica = connection.PostgresParameters.TryGetValue("in_hot_standby", out var standby) ? standby == "on" : _hosts.AreSeveral;
                return found;
            },
            takesTurns: true,
            cancellationToken
        );
        if (!isFromReplica || isGood(near))
            return near;
        if (!_access.IsStandby)
            return await LookUpOnPrimaryAsync(operation, query, takesTurns: true, cancellationToken);
        // Of several replicas another one may have it; a single one has just answered.
        return _hosts.AreSeveral ? await ReadNewestReplicaAsync(operation, query, takesTurns: true, cancellationToken) : near;
    }

    /// <summary>Whether an error indicates a failure of the server or the network, not an error in the statement.</summary>
    internal static bool IsOutage(Exception error) =>
        error switch
        {
            // Class 08 connection, 53 resources, 57P0x shutting down or starting up, 25006 no longer the primary, 58 system, XX internal.
            PostgresException { SqlState: var state } => state[..2] is "08" or "53" or "58" or "XX" || state is "57P01" or "57P02" or "57P03" or "25006",
            QueryLimitException => false,
            NpgsqlException or TimeoutException or System.Net.Sockets.SocketException or IOException => true,
            _ => false,
        };

    // A standby region has no primary to read from.
    private bool ReadsFromReplicas => _options.ReadFromReplicas || _access.IsStandby;

    private bool HasOtherPrimary => _hosts.AreSeveral && !_access.IsStandby;

    private async Task<T> WriteAsync<T>(
        Dependency dependency,
        string operation,
        Func<NpgsqlConnection, CancellationToken, Task<T>> work,
        CancellationToken cancellationToken
    )
    {
        _access.Demand();
        using var timer = StoreMetrics.WriteSeconds.NewTimer();
        using var span = Spans.StartCall(Spans.Postgres, operation);
        try
        {
            var result = await CallAsync(
                dependency,
                async token =>
                {
                    await using var connection = await _primaryConnections.OpenAsync(OpenPrimaryAsync, token);
                    using var used = _primaryConnections.Use();
                    return await RunAsync(connection, work, span, token);
                },
                cancellationToken
            );
            LastWrite.NoteSuccess(operation);
            return result;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            if (operation != PostgresHealth.Operation && (error is DependencyException || IsOutage(error)))
                LastWrite.NoteFailure(operation);
            StoreMetrics.WriteFailures.Inc();
            span.Fail(error);
            Log.WriteFailed(_logger, operation, error);
            throw;
        }
    }

    private async Task<T> ReadNearAsync<T>(
        string operation,
        Func<NpgsqlConnection, CancellationToken, Task<T>> query,
        bool takesTurns,
        CancellationToken cancellationToken
    )
    {
        if (!ReadsFromReplicas)
            return await LookUpOnPrimaryAsync(operation, query, takesTurns, cancellationToken);
        try
        {
            return await ReadAsync(_replicas, () => _hosts.Replicas, _replicaConnections, operation, query, takesTurns, cancellationToken);
        }
        catch (Exception error) when (HasOtherPrimary && !cancellationToken.IsCancellationRequested && (error is DependencyException || IsOutage(error)))
        {
            return await LookUpOnPrimaryAsync(operation, query, takesTurns, cancellationToken);
        }
    }

    private Task<T> ReadNewestReplicaAsync<T>(
        string operation,
        Func<NpgsqlConnection, CancellationToken, Task<T>> query,
        bool takesTurns,
        CancellationToken cancellationToken
    ) => ReadAsync(_replicas, () => _hosts.NewestReplica, _replicaConnections, operation, query, takesTurns, cancellationToken);

    // Uses the time limit of a lookup; that of a write may be longer.
    private Task<T> LookUpOnPrimaryAsync<T>(
        string operation,
        Func<NpgsqlConnection, CancellationToken, Task<T>> query,
        bool takesTurns,
        CancellationToken cancellationToken
    ) => ReadAsync(_primaryLookups, () => _hosts.Primary, _primaryConnections, operation, query, takesTurns, cancellationToken);

    private async Task<T> ReadAsync<T>(
        Dependency dependency,
        Func<NpgsqlDataSource> source,
        PostgresConnections connections,
        string operation,
        Func<NpgsqlConnection, CancellationToken, Task<T>> query,
        bool takesTurns,
        CancellationToken cancellationToken
    )
    {
        using var timer = StoreMetrics.ReadSeconds.NewTimer();
        using var span = Spans.StartCall(Spans.Postgres, operation);
        try
        {
            return await CallAsync(
                dependency,
                async token =>
                {
                    var pool = source();
                    // A process that has just started gets requests for all its links at once. Opening as many connections at once would take longer than any
                    // caller waits.
                    var turns = takesTurns ? _turns.GetValue(pool, _ => new SemaphoreSlim(_options.MaxLookups)) : null;
                    if (turns is not null)
                        await turns.WaitAsync(token);
                    try
                    {
                        await using var connection = await connections.OpenAsync(pool.OpenConnectionAsync, token);
                        using var used = connections.Use();
                        return await RunAsync(connection, query, span, token);
                    }
                    finally
                    {
                        turns?.Release();
                    }
                },
                cancellationToken
            );
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            StoreMetrics.ReadFailures.Inc();
            span.Fail(error);
            throw;
        }
    }

    private async Task<T> QueryAsync<T>(
        long caller,
        Dependency dependency,
        Func<NpgsqlDataSource> source,
        PostgresConnections connections,
        string operation,
        Func<NpgsqlConnection, CancellationToken, Task<T>> query,
        CancellationToken cancellationToken
    )
    {
        using var timer = StoreMetrics.ReadSeconds.NewTimer();
        using var span = Spans.StartCall(Spans.Postgres, operation);
        try
        {
            return await CallAsync(
                dependency,
                async token =>
                {
                    using var turn = await _queryTurns.TakeAsync(caller, token);
                    await using var connection = await connections.OpenAsync(source().OpenConnectionAsync, token);
                    using var used = connections.Use();
                    return await RunAsync(connection, query, span, token);
                },
                cancellationToken
            );
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            StoreMetrics.ReadFailures.Inc();
            span.Fail(error);
            if (error is DependencyException { IsTimeout: true } or PostgresException { SqlState: PostgresErrorCodes.QueryCanceled })
                throw new QueryLimitException($"A query took longer than {_options.QueryTimeout.TotalSeconds:0.#} s (Postgres:QueryTimeout).", error);
            throw;
        }
    }

    private static bool IsAway(Exception error) => error is not QueryLimitException && (error is DependencyException || IsOutage(error));

    // If a statement fails while the driver prepares it, the driver is left with an inconsistent state ("unexpected backend message"). That would fail the next
    // user of the connection.
    private static async Task<T> RunAsync<T>(
        NpgsqlConnection connection,
        Func<NpgsqlConnection, CancellationToken, Task<T>> work,
        Activity? span,
        CancellationToken cancellationToken
    )
    {
        // A call that its caller has given up comes here later; its span is closed and may have been sent.
        if (span is { IsStopped: false })
            span.SetTag("server.address", connection.Host).SetTag("server.port", connection.Port);
        try
        {
            return await work(connection, cancellationToken);
        }
        catch (PostgresException error) when (!IsOutage(error) && connection.FullState == System.Data.ConnectionState.Open)
        {
            await PostgresPartitions.RunAsync(() =>
            {
                connection.UnprepareAll();
                return true;
            });
            throw;
        }
    }

    // No caller waits longer than the limit. The abandoned call uses nothing that belongs to its caller.
    private ValueTask<T> CallAsync<T>(Dependency dependency, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        dependency.CallAsync(async token => await _cancellations.WithinAsync(call, token), cancellationToken);

    // Nothing was sent yet, so trying again is safe. A primary that is just being replaced is back within moments.
    private async ValueTask<NpgsqlConnection> OpenPrimaryAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await _hosts.Primary.OpenConnectionAsync(cancellationToken);
            }
            catch (NpgsqlException) when (attempt < OpenAttempts && !cancellationToken.IsCancellationRequested)
            {
                await Task.Delay(Jitter.Around(OpenRetryDelay * attempt), _time, cancellationToken);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4, LogLevel.Debug, "A write failed: {Operation}")]
        public static partial void WriteFailed(ILogger logger, string operation, Exception error);
    }
}
