using System.Globalization;
using Prometheus;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>How far a replica is behind.</summary>
/// <param name="Server">Its place in the connection string, from 1.</param>
/// <param name="Lag">Age of the oldest change that it has not replayed; null: not known, or the server is the primary.</param>
internal readonly record struct ReplicaLag(int Server, TimeSpan? Lag);

/// <summary>Reports how far replicas are behind. A lag that is not known is not reported: a 0 would say that all is well.</summary>
internal static class ReplicationMetrics
{
    private static readonly Gauge Lag = Metrics.CreateGauge(
        "shortener_postgres_replication_lag_seconds",
        "Age of the oldest change that a replica has not replayed.",
        new GaugeConfiguration { LabelNames = ["replica"], SuppressInitialValue = true }
    );

    private static Func<IReadOnlyList<ReplicaLag>>? Source;

    static ReplicationMetrics() => Metrics.DefaultRegistry.AddBeforeCollectCallback(Report);

    /// <summary>Says how to read the lags.</summary>
    public static void ReadBy(Func<IReadOnlyList<ReplicaLag>> source) => Volatile.Write(ref Source, source);

    private static void Report()
    {
        foreach (var (server, lag) in Volatile.Read(ref Source)?.Invoke() ?? [])
        {
            var series = Lag.WithLabels(server.ToString(CultureInfo.InvariantCulture));
            if (lag is { } known)
                series.Set(known.TotalSeconds);
            else
                series.Unpublish();
        }
    }
}
