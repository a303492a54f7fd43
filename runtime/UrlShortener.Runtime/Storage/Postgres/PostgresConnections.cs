using Npgsql;
using Prometheus;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Opens connections and counts those in use, those waited for, and those that were waited for in vain. Reports the limit.</summary>
internal sealed class PostgresConnections
{
    /// <summary>Connections for writes, and for reads of the newest state.</summary>
    public const string Primary = "primary";

    /// <summary>Connections for reads of a state that may lag behind. They go to the primary while no replica answers.</summary>
    public const string Replicas = "replicas";

    private static readonly Gauge InUse = Metrics.CreateGauge("shortener_postgres_connections_in_use", "Connections to PostgreSQL that are at work.", "target");
    private static readonly Gauge Limit = Metrics.CreateGauge(
        "shortener_postgres_connections_limit",
        "Most connections of this process to one server of PostgreSQL.",
        "target"
    );
    private static readonly Gauge Waiting = Metrics.CreateGauge(
        "shortener_postgres_connections_waiting",
        "Operations that wait for a connection to PostgreSQL.",
        "target"
    );
    private static readonly Counter Timeouts = Metrics.CreateCounter(
        "shortener_postgres_connection_timeouts_total",
        "Operations that waited for a connection to PostgreSQL until their time was over.",
        "target"
    );

    private readonly Gauge.Child _inUse;
    private readonly Gauge.Child _waiting;
    private readonly Counter.Child _timeouts;

    public PostgresConnections(string target, int limit)
    {
        _inUse = InUse.WithLabels(target);
        _waiting = Waiting.WithLabels(target);
        _timeouts = Timeouts.WithLabels(target);
        Limit.WithLabels(target).Set(limit);
    }

    /// <summary>Counts a connection as in use until disposed.</summary>
    public IDisposable Use() => _inUse.TrackInProgress();

    /// <summary>Waits for a connection.</summary>
    /// <param name="open">Opens it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<NpgsqlConnection> OpenAsync(Func<CancellationToken, ValueTask<NpgsqlConnection>> open, CancellationToken cancellationToken)
    {
        using var waiting = _waiting.TrackInProgress();
        try
        {
            return await open(cancellationToken);
        }
        // The driver wraps its own limit in an NpgsqlException.
        catch (Exception error) when (cancellationToken.IsCancellationRequested || error is TimeoutException || error.InnerException is TimeoutException)
        {
            _timeouts.Inc();
            throw;
        }
    }
}
