using Microsoft.AspNetCore.Connections;
using Prometheus;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Http;

/// <summary>
/// Limits the connections that are open at the same time. A client that sends an incomplete request head holds 32 KiB of memory, and no limit on requests or
/// bodies applies at that point. Without this limit, a few thousand connections from any client exhaust the memory of a small process.
/// </summary>
internal sealed class ConnectionLimit(ConnectionLimitOptions options)
{
    private static readonly Gauge Open = Metrics.CreateGauge("shortener_connections_open", "Connections of clients that are open.");
    private static readonly Gauge Limit = Metrics.CreateGauge("shortener_connections_limit", "Connections that may be open at the same time.");
    private static readonly Counter Refused = Metrics.CreateCounter(
        "shortener_connections_refused_total",
        "Connections closed at once because too many were open."
    );

    private readonly int _max = Announce(options.EffectiveMax(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
    private int _open;

    /// <summary>Serves a connection, or closes it when too many are open.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (Interlocked.Increment(ref _open) > _max)
        {
            Interlocked.Decrement(ref _open);
            Refused.Inc();
            // Kestrel closes the connection when this method returns.
            return;
        }

        Open.Inc();
        try
        {
            await next(connection);
        }
        finally
        {
            Open.Dec();
            Interlocked.Decrement(ref _open);
        }
    }

    private static int Announce(int max)
    {
        Limit.Set(max);
        return max;
    }
}
