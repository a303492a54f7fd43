using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using ClickHouse.Driver;
using ClickHouse.Driver.ADO.Parameters;
using ClickHouse.Driver.ADO.Readers;
using ClickHouse.Driver.Utility;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>
/// Runs statements on ClickHouse. Queries for users take turns and have a time limit on both sides; the server's is shorter, so that a server that works ends a
/// query by itself, and only one that hangs exceeds ours and counts as failed. What runs in the background has a breaker of its own.
/// </summary>
internal sealed partial class ClickHouseDatabase : IDisposable
{
    // What the limit of a query leaves for the network and a busy machine.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StatementTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BreakDuration = TimeSpan.FromSeconds(1);

    // Servers close idle connections after 10 s or more.
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(5);

    // Most rows of one insert.
    private const int MaxRows = 1_000_000;

    /// <summary>Longest query in the background; 2 MiB. A server takes 256 KiB out of the box.</summary>
    internal const int MaxQueryBytes = 2_097_152;

    private readonly HttpClient _http;
    private readonly ClickHouseConnection _connection;
    private readonly ClickHouseOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<ClickHouseDatabase> _logger;
    private readonly Dependency _queries;
    private readonly Dependency _background;
    private readonly FairTurns _turns;
    private readonly Occasion _failures;

    public ClickHouseDatabase(
        ConnectionOptions connections,
        ClickHouseOptions options,
        RememberedNames names,
        TimeProvider time,
        ILogger<ClickHouseDatabase> logger
    )
    {
        (_options, _time, _logger) = (options, time, logger);
        var handler = new SocketsHttpHandler
        {
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionIdleTimeout = IdleTimeout,
            ConnectCallback = (context, token) => ConnectAsync(names, context.DnsEndPoint, token),
        };
        if (options.CaPath is { Length: > 0 } authorities)
            handler.SslOptions.RemoteCertificateValidationCallback = new AuthorityFile(authorities).IsTrusted;
        _http = new HttpClient(new ConnectionLimitReporter(handler)) { Timeout = Timeout.InfiniteTimeSpan };
        _connection = new ClickHouseConnection(connections, _http, time, logger);
        _queries = new Dependency(
            "clickhouse-queries",
            new DependencyOptions(options.QueryTimeout + Margin, BreakDuration, 3),
            ClickHouseFailure.IsOutage,
            time
        );
        _background = new Dependency("clickhouse", new DependencyOptions(StatementTimeout + Margin, BreakDuration, 3), ClickHouseFailure.IsOutage, time);
        _turns = new FairTurns(options.MaxQueries);
        _failures = new Occasion(time, TimeSpan.FromSeconds(10));
    }

    /// <summary>Runs queries for a user.</summary>
    /// <param name="caller">The user who asks; see <see cref="FairTurns"/>.</param>
    /// <param name="work">Reads, all within the limit of one answer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="operation">Name in traces.</param>
    /// <exception cref="QueryLimitException">The queries exceeded a limit of time or memory, or no turn was free in time.</exception>
    /// <exception cref="StatisticsUnavailableException">The server does not work.</exception>
    public async Task<T> QueryAsync<T>(
        long caller,
        Func<ClickHouseQuery, Task<T>> work,
        CancellationToken cancellationToken,
        [CallerMemberName] string operation = ""
    )
    {
        using var span = Spans.StartCall(Spans.ClickHouse, operation);
        try
        {
            var turn = await TakeTurnAsync(caller, cancellationToken);
            // Without the caller's token: a caller who has left says nothing about the server, and a server that hangs is found out all the same. The turn ends
            // with the query.
            return await RunQueryAsync(turn, work).WaitAsync(cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            span.Fail(error);
            throw;
        }
    }

    /// <summary>Runs a statement in the background; returns when it has taken effect.</summary>
    public async Task ExecuteAsync(string sql, CancellationToken cancellationToken, params (string Name, object Value)[] parameters) =>
        await _background.CallAsync<object?>(
            async token =>
            {
                await _connection.Get().ExecuteNonQueryAsync(sql, Collect(parameters), LimitTo(StatementTimeout), token);
                return null;
            },
            cancellationToken
        );

    /// <summary>Reads rows in the background.</summary>
    public async Task<List<T>> ReadAsync<T>(
        string sql,
        Func<ClickHouseDataReader, T> read,
        CancellationToken cancellationToken,
        params (string Name, object Value)[] parameters
    ) => await _background.CallAsync(async token => await ReadAsync(sql, read, LimitTo(StatementTimeout), parameters, token), cancellationToken);

    /// <summary>Inserts rows as one block; returns when the server has stored them.</summary>
    /// <param name="table">The table.</param>
    /// <param name="columns">Names of the columns.</param>
    /// <param name="rows">The rows, in the server's format RowBinary.</param>
    /// <param name="token">Names the block: each table ignores one that it has stored already.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many rows the server counted: those that were sent, and those that went from there into other tables.</returns>
    public async Task<long> InsertAsync(string table, IReadOnlyList<string> columns, MemoryStream rows, Guid token, CancellationToken cancellationToken) =>
        await _background.CallAsync(
            async limit =>
            {
                rows.Position = 0;
                var settings = SettingsOf(StatementTimeout);
                settings["insert_deduplicate"] = 1;
                settings["insert_deduplication_token"] = token.ToString();
                settings["deduplicate_blocks_in_dependent_materialized_views"] = 1;
                // One block, whatever the server's settings are: a token is for one.
                settings["max_insert_block_size"] = MaxRows;
                settings["min_insert_block_size_rows"] = MaxRows;
                settings["input_format_parallel_parsing"] = 0;
                // The client closes what it sends.
                await using var sent = new MemoryStream(rows.GetBuffer(), 0, (int)rows.Length, writable: false);
                using var answer = await _connection
                    .Get()
                    .InsertRawStreamAsync(table, sent, "RowBinary", columns, useCompression: false, new QueryOptions { CustomSettings = settings }, limit);
                return CountWritten(answer);
            },
            cancellationToken
        );

    /// <summary>Whether the server answers a query of its own, whatever the breakers say.</summary>
    public Task<List<T>> ProbeAsync<T>(string sql, Func<ClickHouseDataReader, T> read, CancellationToken cancellationToken) =>
        ReadAsync(sql, read, LimitTo(_options.QueryTimeout), [], cancellationToken);

    /// <inheritdoc />
    public void Dispose()
    {
        _connection.Dispose();
        _http.Dispose();
    }

    private async Task<FairTurns.Turn> TakeTurnAsync(long caller, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_options.QueryTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await _turns.TakeAsync(caller, both.Token);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new QueryLimitException("All ClickHouse:MaxQueries were taken.", error);
        }
    }

    private async Task<T> RunQueryAsync<T>(FairTurns.Turn turn, Func<ClickHouseQuery, Task<T>> work)
    {
        using (turn)
        {
            try
            {
                var started = _time.GetTimestamp();
                return await _queries.CallAsync(async token => await work(new ClickHouseQuery(this, started, token)), CancellationToken.None);
            }
            catch (Exception error) when (ClickHouseFailure.IsLimit(error))
            {
                throw new QueryLimitException($"A query exceeded a limit (ClickHouse:QueryTimeout, ClickHouse:QueryBytes): {error.Message}", error);
            }
            catch (Exception error) when (error is DependencyException || ClickHouseFailure.IsOfServer(error))
            {
                if (_failures.TryPass(out var count))
                    Log.QueryFailed(_logger, error, count);
                throw new StatisticsUnavailableException("ClickHouse does not answer queries.", error);
            }
        }
    }

    private async Task<List<T>> ReadAsync<T>(
        string sql,
        Func<ClickHouseDataReader, T> read,
        QueryOptions options,
        (string Name, object Value)[] parameters,
        CancellationToken cancellationToken
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var rows = new List<T>();
                await using var reader = await _connection.Get().ExecuteReaderAsync(sql, Collect(parameters), options, cancellationToken);
                while (await reader.ReadAsync(cancellationToken))
                    rows.Add(read(reader));
                return rows;
            }
            // The server had closed the connection, which is no failure. A query changes nothing, so that it can be sent again.
            catch (HttpRequestException) when (attempt == 1 && !cancellationToken.IsCancellationRequested) { }
        }
    }

    private static QueryOptions LimitTo(TimeSpan time)
    {
        var settings = SettingsOf(time);
        settings["max_query_size"] = MaxQueryBytes;
        return new QueryOptions { CustomSettings = settings };
    }

    // What users ask for is bounded by their setting. Inserts, look-ups of the loader and erasures are bounded by their own sizes, and must not fail by it.
    private QueryOptions LimitForUsers(TimeSpan time)
    {
        var settings = SettingsOf(time);
        settings["max_memory_usage"] = _options.QueryBytes;
        return new QueryOptions { CustomSettings = settings };
    }

    private static Dictionary<string, object> SettingsOf(TimeSpan time) =>
        new(StringComparer.Ordinal)
        {
            ["max_execution_time"] = time.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture),
            ["timeout_overflow_mode"] = "throw",
            // What the server tells after it has begun to send an answer cannot be told apart from the answer.
            ["wait_end_of_query"] = 1,
            ["cancel_http_readonly_queries_on_client_close"] = 1,
            // An insert is acknowledged when it is stored.
            ["async_insert"] = 0,
        };

    private static long CountWritten(HttpResponseMessage answer)
    {
        if (!answer.Headers.TryGetValues("X-ClickHouse-Summary", out var summaries))
            return 0;
        using var summary = JsonDocument.Parse(summaries.First());
        return long.Parse(summary.RootElement.GetProperty("written_rows").GetString()!, CultureInfo.InvariantCulture);
    }

    private static ClickHouseParameterCollection Collect((string Name, object Value)[] parameters)
    {
        var collection = new ClickHouseParameterCollection();
        foreach (var (name, value) in parameters)
            collection.AddParameter(name, value);
        return collection;
    }

    private static async ValueTask<Stream> ConnectAsync(RememberedNames names, DnsEndPoint server, CancellationToken cancellationToken)
    {
        var (addresses, _) = await names.ResolveAsync(server.Host, cancellationToken);
        if (addresses.Length == 0)
            throw new SocketException((int)SocketError.HostNotFound);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, server.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Queries of one answer. Together they have the time of <c>ClickHouse:QueryTimeout</c> on the server.</summary>
    internal sealed class ClickHouseQuery(ClickHouseDatabase database, long started, CancellationToken token)
    {
        /// <summary>Reads rows.</summary>
        public Task<List<T>> ReadAsync<T>(string sql, Func<ClickHouseDataReader, T> read, params (string Name, object Value)[] parameters)
        {
            var left = database._options.QueryTimeout - database._time.GetElapsedTime(started);
            return left < TimeSpan.FromMilliseconds(1)
                ? throw new QueryLimitException("The queries before took all of the time (ClickHouse:QueryTimeout).")
                : database.ReadAsync(sql, read, database.LimitForUsers(left), parameters, token);
        }
    }

    // .NET reports that a connection took longer than its limit as a cancellation, which nobody asked for: it would count as no failure of the server.
    private sealed class ConnectionLimitReporter(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
            {
                throw new HttpRequestException(HttpRequestError.ConnectionError, "ClickHouse took no connection within ClickHouse:ConnectTimeout.", error);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "ClickHouse does not answer statistics; {Count} queries failed since the last such line")]
        public static partial void QueryFailed(ILogger logger, Exception error, long count);
    }
}
