using Prometheus;

namespace UrlShortener.ControllerRuntime.Election;

/// <summary>Metrics of the election, under the name of Go's client-go.</summary>
internal static class ElectionMetrics
{
    /// <summary>1 while this process leads.</summary>
    public static readonly Gauge IsLeader = Metrics.CreateGauge("leader_election_master_status", "1 while this process leads.", "name");
}
