using Prometheus;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Counts the connections in use, and reports the limit.</summary>
internal sealed class PostgresConnections
{
    private static readonly Gauge InUse = Metrics.CreateGauge("shortener_postgres_connections_in_use", "Connections to PostgreSQL that are at work.", "target");
    private static readonly Gauge Limit = Metrics.CreateGauge(
        "shortener_postgres_connections_limit",
        "Most connections to PostgreSQL of this process.",
        "target"
    );

    private readonly Gauge.Child _inUse;

    public PostgresConnections(string target, int limit)
    {
        _inUse = InUse.WithLabels(target);
        Limit.WithLabels(target).Set(limit);
    }

    /// <summary>Counts a connection as in use until disposed.</summary>
    public IDisposable Use() => _inUse.TrackInProgress();
}
