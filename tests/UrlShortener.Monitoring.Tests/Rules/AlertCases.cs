namespace UrlShortener.Monitoring.Tests.Rules;

/// <summary>The cases of all alerts, in the order of the rule files. A time in minutes is four intervals.</summary>
internal static class AlertCases
{
    private const string Region = "namespace=\"shop\", region=\"eu\"";
    private const string RegionObject = "namespace=\"shop\", name=\"local\", region=\"eu\"";

    // As the operator's series have it.
    private const string ObjectLabels = "object_namespace=\"shop\", name=\"local\", region=\"eu\"";
    private const string Redirect = Region + ", operation=\"followLink\"";
    private const string Create = Region + ", operation=\"createLink\"";
    private const string Leader = "name=\"urlshortener-operator\"";
    private const string Regions = "controller=\"shortenerregion\"";
    private const string RegionQueue = "name=\"shortenerregion\"";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<AlertCase> All { get; } =
    [.. Keys(), .. Clicks(), .. ClickEvents(), .. ClickLoad(), .. Service(), .. Objectives(), .. Stores(), .. Operator(), .. Failovers(), .. Certificates()];

    private static IEnumerable<AlertCase> Service()
    {
        yield return new AlertCase("ShortenerHighLatency")
        {
            Fires = Redirects([60, 60], [("0.01", 98), ("0.5", 2)], [("0.01", 100)]),
            Below = Redirects([120], [("0.01", 99.1), ("0.5", 0.9)]),
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "22m",
            Labels = Redirect + ", quantile=\"0.99\"",
        };
        yield return new AlertCase("ShortenerHighLatency")
        {
            Variant = "few requests",
            Fires = Redirects([60, 60], [("0.5", 0.3)], [("0.01", 100)]),
            // 4 slow requests in 5 minutes, and no others.
            Below = Redirects([120], [("0.5", 0.2)]),
            NotYet = "4m",
            FiresAt = "10m",
            ResolvedAt = "22m",
            Labels = Redirect + ", quantile=\"0.99\"",
        };
        yield return new AlertCase("ShortenerVeryHighLatency")
        {
            Fires = Creates([60, 60], [("0.01", 98), ("1", 2)], [("0.01", 100)]),
            Below = Creates([120], [("0.01", 99.1), ("1", 0.9)]),
            NotYet = "1m30s",
            FiresAt = "4m",
            ResolvedAt = "22m",
            Labels = Create + ", quantile=\"0.99\"",
        };
        yield return new AlertCase("ShortenerErrorRate")
        {
            Fires = Requests("followLink", [60, 60], (98, 2), (100, 0)),
            Below = Requests("followLink", [120], (99.1, 0.9)),
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "22m",
            Labels = Redirect,
        };
        yield return new AlertCase("ShortenerErrorRate")
        {
            Variant = "an error at night",
            Fires = Requests("listLinks", [60, 60], (0, 1), (100, 0)),
            Below = Requests("listLinks", [10, 1, 100], (0.01, 0), (0, 1), (0.01, 0)),
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "22m",
            Labels = Region + ", operation=\"listLinks\"",
        };
        yield return new AlertCase("ShortenerHighErrorRate")
        {
            Fires = Requests("createLink", [60, 60], (94, 6), (100, 0)),
            Below = Requests("createLink", [120], (95.5, 4.5)),
            NotYet = "1m30s",
            FiresAt = "4m",
            ResolvedAt = "22m",
            Labels = Create,
        };
        yield return new AlertCase("ShortenerHighErrorRate")
        {
            Variant = "an error at night",
            Fires = Requests("createLink", [60, 60], (0, 1), (100, 0)),
            Below = Requests("createLink", [6, 1, 100], (0, 0), (0, 1), (0, 0)),
            NotYet = "1m",
            FiresAt = "5m",
            ResolvedAt = "22m",
            Labels = Create,
        };
        yield return new AlertCase("ShortenerCacheHitRatioLow")
        {
            Fires = Lookups([60, 80], (80, 20, 5), (100, 0, 0)),
            Below = Lookups([140], (80, 20, 11)),
            FiresAt = "2m",
            ResolvedAt = "27m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerCacheHitRatioLow")
        {
            Variant = "few lookups",
            Fires = Lookups([60, 80], (0, 16, 0), (100, 0, 0)),
            Below = Lookups([140], (0, 14, 0)),
            FiresAt = "12m",
            ResolvedAt = "27m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerRegionAbsent")
        {
            Fires = [PodsMinimum("2x160"), BuildInfo("1x20 stale _x39 1x60")],
            Below = [PodsMinimum("2x160"), BuildInfo("1x20 stale _x5 1x60")],
            NotYet = "6m30s",
            FiresAt = "8m",
            ResolvedAt = "16m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerRegionAbsent")
        {
            Variant = "a standby region without pods",
            Fires = [PodsMinimum("2x160"), BuildInfo("1x20 stale _x39 1x60")],
            Below = [PodsMinimum("0x160"), BuildInfo("1x20 stale"), Sample.Operator("leader_election_master_status", "1x160", Leader)],
            NotYet = "6m30s",
            FiresAt = "8m",
            ResolvedAt = "16m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerRegionAbsent")
        {
            Variant = "a suspended region",
            Fires = [PodsMinimum("2x160"), Sample.Operator("shortener_region_suspended", "1x160", ObjectLabels), BuildInfo("1x20 stale _x39 1x60")],
            // Scaled to 0, as for a restore.
            Below =
            [
                PodsMinimum("2x20 0x140"),
                Sample.Operator("shortener_region_suspended", "1x160", ObjectLabels),
                BuildInfo("1x20 stale"),
                Sample.Operator("leader_election_master_status", "1x160", Leader),
            ],
            NotYet = "6m30s",
            FiresAt = "8m",
            ResolvedAt = "16m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerRegionAbsent")
        {
            Variant = "no operator",
            Fires = [BuildInfo("1x20 stale _x39 1x60")],
            // The operator is there, and knows no such region: it was deleted.
            Below = [BuildInfo("1x20 stale"), Sample.Operator("leader_election_master_status", "1x160", Leader)],
            NotYet = "6m30s",
            FiresAt = "8m",
            ResolvedAt = "16m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerRegionAbsent")
        {
            Variant = "the leader of the operator changes",
            Fires = [PodsMinimum("2x20 stale _x200"), BuildInfo("1x20 stale"), LeaderStatus("1x20 stale _x20 1x100")],
            // The region was deleted, and the operator goes on.
            Below = [PodsMinimum("2x20 stale _x200"), BuildInfo("1x22 stale"), LeaderStatus("1x200")],
            NotYet = "6m30s",
            FiresAt = "8m",
            ResolvedAt = "16m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerRegionNotScraped")
        {
            Fires = [PodsMinimum("2x160"), Available("1x160"), BuildInfo("_x79 1x60")],
            // A new region, whose database is still migrated.
            Below = [PodsMinimum("2x160"), Available("0x160")],
            NotYet = "9m",
            FiresAt = "12m",
            ResolvedAt = "21m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerTargetDown")
        {
            Fires = [Up("1x20 0x80 1x40")],
            Below = [Up("1x20 0x30 1x90")],
            NotYet = "16m",
            FiresAt = "19m",
            ResolvedAt = "27m",
            Labels = "namespace=\"shop\", job=\"url-shortener\", pod=\"eu-app-1\", instance=\"10.1.0.7:8081\", container=\"app\", endpoint=\"management\"",
        };
        yield return new AlertCase("ShortenerConnectionsNearLimit")
        {
            Fires = [Sample.Gauge("shortener_connections_open", "81x40 10x60"), Sample.Gauge("shortener_connections_limit", "100x100")],
            Below = [Sample.Gauge("shortener_connections_open", "80x100"), Sample.Gauge("shortener_connections_limit", "100x100")],
            NotYet = "4m",
            FiresAt = "6m",
            ResolvedAt = "17m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerConnectionsRefused")
        {
            Fires = [Burst("shortener_connections_refused_total", 5)],
            Below = [Burst("shortener_connections_refused_total", 0)],
            FiresAt = "2m",
            ResolvedAt = "13m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerBodiesRefused")
        {
            Fires = [Sample.Counter("shortener_body_refusals_total", "limit=\"all\"", (4, 0), (1, 5), (75, 0))],
            Below = [Sample.Counter("shortener_body_refusals_total", "limit=\"caller\"", (4, 0), (1, 5), (75, 0))],
            FiresAt = "2m",
            ResolvedAt = "13m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerRateLimiterDegraded")
        {
            Fires = [Sample.Gauge("shortener_rate_limit_degraded", "1x40 0x40"), Decisions(1)],
            Below = [Sample.Gauge("shortener_rate_limit_degraded", "1x15 0x65"), Decisions(1)],
            NotYet = "4m",
            FiresAt = "6m",
            ResolvedAt = "11m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerRateLimiterDegraded")
        {
            Variant = "no request told the pod that Redis is back",
            Fires = [Sample.Gauge("shortener_rate_limit_degraded", "1x40 0x40"), Decisions(1)],
            Below = [Sample.Gauge("shortener_rate_limit_degraded", "1x80"), Decisions(0)],
            NotYet = "4m",
            FiresAt = "6m",
            ResolvedAt = "11m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerSpansDropped")
        {
            Fires = [Sample.Counter("shortener_spans_dropped_total", "cause=\"export\"", (4, 0), (60, 5), (80, 0))],
            Below = [Sample.Counter("shortener_spans_dropped_total", "cause=\"export\"", (4, 0), (1, 5), (139, 0))],
            NotYet = "10m",
            FiresAt = "14m",
            ResolvedAt = "23m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerWatchdog")
        {
            Fires = [BuildInfo("1x40")],
            FiresAt = "1m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerWatchdog")
        {
            Variant = "no region",
            Fires = [Sample.Operator("leader_election_master_status", "1x40", Leader)],
            FiresAt = "1m",
            Labels = "namespace=\"urlshortener-system\"",
        };
    }

    private static IEnumerable<AlertCase> Objectives()
    {
        const string availability = Redirect + ", slo=\"availability\"";
        yield return new AlertCase("ShortenerErrorBudgetBurn")
        {
            Variant = "1 hour",
            Fires = Requests("followLink", [90, 90], (98.5, 1.5), (100, 0)),
            Below = Requests("followLink", [180], (99.42, 0.58)),
            FiresAt = "20m",
            ResolvedAt = "2h10m",
            Labels = availability,
            Interval = "1m",
        };
        yield return new AlertCase("ShortenerErrorBudgetBurn")
        {
            Variant = "6 hours",
            Fires = Requests("followLink", [200, 45], (99.38, 0.62), (100, 0)),
            Below = Requests("followLink", [245], (99.42, 0.58)),
            FiresAt = "6h10m",
            ResolvedAt = "7h40m",
            Labels = availability,
            Interval = "2m",
        };
        yield return new AlertCase("ShortenerErrorBudgetBurn")
        {
            Variant = "a trickle fails for hours",
            // 10 requests an hour, of which 9 fail.
            Fires = Requests("followLink", [180, 90], (1 / 60.0, 9 / 60.0), (10 / 60.0, 0)),
            // One failure.
            Below = Requests("followLink", [30, 1, 240], (0, 0), (0, 1), (0, 0)),
            FiresAt = "2h",
            ResolvedAt = "4h20m",
            Labels = availability,
            Interval = "1m",
        };
        yield return new AlertCase("ShortenerErrorBudgetBurn")
        {
            Variant = "everything is slow",
            Fires = [.. Requests("followLink", [90, 90], (100, 0), (100, 0)), .. Redirects([90, 90], [("0.1", 100)], [("0.01", 100)])],
            Below = [.. Requests("followLink", [180], (100, 0)), .. Redirects([180], [("0.05", 94.2), ("0.1", 5.8)])],
            FiresAt = "20m",
            ResolvedAt = "2h10m",
            Labels = Redirect + ", slo=\"latency\"",
            Interval = "1m",
        };
        yield return new AlertCase("ShortenerErrorBudgetBurn")
        {
            Variant = "every create fails",
            Fires = Requests("createLink", [90, 90], (0, 100), (100, 0)),
            Below = Requests("createLink", [180], (99.42, 0.58)),
            FiresAt = "20m",
            ResolvedAt = "2h10m",
            Labels = Create + ", slo=\"availability\"",
            Interval = "1m",
        };
        yield return new AlertCase("ShortenerErrorBudgetSlowBurn")
        {
            Variant = "1 day",
            Fires = Requests("followLink", [150, 150], (99.68, 0.32), (100, 0)),
            Below = Requests("followLink", [300], (99.91, 0.09)),
            FiresAt = "5h",
            ResolvedAt = "17h",
            Labels = availability,
            Interval = "4m",
        };
        yield return new AlertCase("ShortenerErrorBudgetSlowBurn")
        {
            Variant = "the region was deleted",
            Fires = Requests("followLink", [150, 150], (99.68, 0.32), (100, 0)),
            // An hour before.
            Below = [.. Requests("followLink", [60], (99.68, 0.32)).Select(sample => sample with { Values = sample.Values + " stale" })],
            FiresAt = "5h",
            ResolvedAt = "17h",
            Labels = availability,
            Interval = "4m",
        };
        yield return new AlertCase("ShortenerErrorBudgetSlowBurn")
        {
            Variant = "3 days",
            Fires = Requests("followLink", [1100, 150], (99.89, 0.11), (100, 0)),
            Below = Requests("followLink", [1250], (99.91, 0.09)),
            FiresAt = "73h",
            ResolvedAt = "80h",
            Labels = availability,
            Interval = "4m",
        };
        yield return new AlertCase("ShortenerErrorBudgetSlowBurn")
        {
            Variant = "a total failure is for both",
            Fires = Requests("createLink", [150, 300], (0, 1), (100, 0)),
            Below = Requests("createLink", [450], (99.91, 0.09)),
            FiresAt = "5h",
            ResolvedAt = "29h",
            Labels = Create + ", slo=\"availability\"",
            Interval = "4m",
        };
    }

    private static IEnumerable<AlertCase> Stores()
    {
        yield return new AlertCase("ShortenerReplicationLag")
        {
            Fires = [Sample.Gauge("shortener_postgres_replication_lag_seconds", "5.1x20 1x60", "replica=\"2\"")],
            Below = [Sample.Gauge("shortener_postgres_replication_lag_seconds", "5x80", "replica=\"2\"")],
            FiresAt = "1m",
            ResolvedAt = "6m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerReplicationLag")
        {
            Variant = "a missed scrape",
            Fires = [Sample.Gauge("shortener_postgres_replication_lag_seconds", "6x20 stale _x4 6x20 1x60", "replica=\"2\"")],
            Below = [Sample.Gauge("shortener_postgres_replication_lag_seconds", "6x4 1x80", "replica=\"2\"")],
            FiresAt = "6m",
            ResolvedAt = "13m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerReplicationLagUnknown")
        {
            Fires = [Sample.Gauge("shortener_postgres_replication_lag_seconds", "1x20 stale _x80 1x40", "replica=\"2\""), BuildInfo("1x160")],
            Below = [Sample.Gauge("shortener_postgres_replication_lag_seconds", "1x20 stale _x40 1x80", "replica=\"2\""), BuildInfo("1x160")],
            NotYet = "17m",
            FiresAt = "20m",
            ResolvedAt = "27m",
            Labels = Region + ", replica=\"2\"",
        };
        yield return new AlertCase("ShortenerReplicationLagUnknown")
        {
            Variant = "a standby region",
            Fires =
            [
                Sample.Gauge("shortener_postgres_replication_lag_seconds", "1x20 stale _x80 1x40", "replica=\"2\""),
                BuildInfo("1x160"),
                ReadOnly("standby", "0x160"),
            ],
            Below =
            [
                Sample.Gauge("shortener_postgres_replication_lag_seconds", "1x20 stale _x80 1x40", "replica=\"2\""),
                BuildInfo("1x160"),
                ReadOnly("standby", "1x160"),
            ],
            NotYet = "17m",
            FiresAt = "20m",
            ResolvedAt = "27m",
            Labels = Region + ", replica=\"2\"",
        };
        yield return new AlertCase("ShortenerRegionBehind")
        {
            Fires = [Sample.Gauge("shortener_write_region_age_seconds", "5.1x20 1x60")],
            Below = [Sample.Gauge("shortener_write_region_age_seconds", "5x80")],
            NotYet = "1m45s",
            FiresAt = "3m",
            ResolvedAt = "9m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerRegionBehind")
        {
            Variant = "a failover",
            Fires = [Sample.Gauge("shortener_write_region_age_seconds", "1x4 60x20 1x60")],
            Below = [Sample.Gauge("shortener_write_region_age_seconds", "1x4 30x4 1x60")],
            FiresAt = "4m",
            ResolvedAt = "10m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerRegionFenced")
        {
            Fires = [ReadOnly("fenced", "1x20 0x60"), ReadOnly("standby", "0x80")],
            Below = [ReadOnly("fenced", "1x6 0x60"), ReadOnly("standby", "1x80")],
            NotYet = "1m45s",
            FiresAt = "4m",
            ResolvedAt = "7m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerCircuitBreakerOpen")
        {
            Fires = [Sample.Gauge("shortener_circuit_breaker_open", "1x20 0x40", "dependency=\"postgres-primary\""), Failures(1)],
            Below = [Sample.Gauge("shortener_circuit_breaker_open", "1x3 0x40", "dependency=\"postgres-primary\""), Failures(1)],
            NotYet = "45s",
            FiresAt = "2m",
            ResolvedAt = "6m",
            Labels = Region + ", dependency=\"postgres-primary\"",
        };
        yield return new AlertCase("ShortenerCircuitBreakerOpen")
        {
            Variant = "nothing calls",
            Fires = [Sample.Gauge("shortener_circuit_breaker_open", "1x20 0x40", "dependency=\"postgres-primary\""), Failures(1)],
            Below = [Sample.Gauge("shortener_circuit_breaker_open", "1x80", "dependency=\"postgres-primary\""), Failures(0)],
            NotYet = "45s",
            FiresAt = "2m30s",
            ResolvedAt = "6m",
            Labels = Region + ", dependency=\"postgres-primary\"",
        };
        yield return new AlertCase("ShortenerDependencyUnstable")
        {
            Fires = [Sample.Counter("shortener_circuit_breaker_opened_total", "dependency=\"redis\"", (80, 0.0625), (160, 0))],
            Below = [Sample.Counter("shortener_circuit_breaker_opened_total", "dependency=\"redis\"", (80, 0.03), (160, 0))],
            FiresAt = "20m",
            ResolvedAt = "55m",
            Labels = Region + ", dependency=\"redis\"",
        };
        yield return new AlertCase("ShortenerDatabasePoolBusy")
        {
            Fires =
            [
                Sample.Gauge("shortener_postgres_connections_in_use", "7.1x60 2x80", "target=\"primary\""),
                Sample.Gauge("shortener_postgres_connections_limit", "10x140", "target=\"primary\""),
            ],
            Below =
            [
                Sample.Gauge("shortener_postgres_connections_in_use", "7x140", "target=\"primary\""),
                Sample.Gauge("shortener_postgres_connections_limit", "10x140", "target=\"primary\""),
            ],
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "20m",
            Labels = Region + ", target=\"primary\"",
        };
        yield return new AlertCase("ShortenerReplicaPoolExhausted")
        {
            Fires = [Sample.Gauge("shortener_postgres_connections_waiting", "2x60 0x80", "target=\"replicas\"")],
            // The primary has an alert of its own, which looks at the connections.
            Below =
            [
                Sample.Gauge("shortener_postgres_connections_waiting", "0 1x140", "target=\"replicas\""),
                Sample.Gauge("shortener_postgres_connections_waiting", "9x140", "target=\"primary\""),
            ],
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "24m",
            Labels = Region + ", target=\"replicas\"",
        };
        yield return new AlertCase("ShortenerDatabaseConnectionTimeouts")
        {
            Fires = [Sample.Counter("shortener_postgres_connection_timeouts_total", "target=\"primary\"", (4, 0), (1, 1), (75, 0))],
            Below = [Sample.Counter("shortener_postgres_connection_timeouts_total", "target=\"primary\"", (80, 0))],
            FiresAt = "2m",
            ResolvedAt = "13m",
            Labels = Region + ", target=\"primary\"",
        };
        yield return new AlertCase("ShortenerPartitionsMissing")
        {
            Fires = [Sample.Gauge("shortener_partitions_ahead", "0x60 2x40", "table=\"urls\"")],
            Below = [Sample.Gauge("shortener_partitions_ahead", "1x100", "table=\"urls\"")],
            NotYet = "9m",
            FiresAt = "11m",
            ResolvedAt = "16m",
            Labels = Region + ", table=\"urls\"",
        };
        yield return new AlertCase("ShortenerPartitionsMissing")
        {
            Variant = "not measured",
            Fires =
            [
                Sample.Gauge("shortener_postgres_connections_limit", "10x100", "target=\"primary\""),
                Sample.Gauge("shortener_partitions_ahead", "_x60 2x40", "table=\"urls\""),
            ],
            // An embedded store has none.
            Below = [BuildInfo("1x100")],
            NotYet = "9m",
            FiresAt = "11m",
            ResolvedAt = "16m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerChangesNotRead")
        {
            Fires = [Sample.Gauge("shortener_change_feed_last_read_timestamp_seconds", "0x60 915+15x40")],
            Below = [Sample.Gauge("shortener_change_feed_last_read_timestamp_seconds", "-60+15x100")],
            NotYet = "2m30s",
            FiresAt = "4m",
            ResolvedAt = "16m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerChangesDropped")
        {
            Fires = [Sample.Counter("shortener_change_feed_dropped_total", "", (4, 0), (1, 3), (300, 0))],
            Below = [Sample.Counter("shortener_change_feed_dropped_total", "", (300, 0))],
            FiresAt = "2m",
            ResolvedAt = "65m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerNameResolutionFailing")
        {
            Fires = [Sample.Counter("shortener_names_remembered_total", "", (60, 1), (60, 0))],
            Below = [Sample.Counter("shortener_names_remembered_total", "", (2, 1), (118, 0))],
            NotYet = "9m",
            FiresAt = "12m",
            ResolvedAt = "21m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerTrafficPanic")
        {
            Fires = [Sample.Operator("shortener_traffic_panic", "1x12 0x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_traffic_panic", "0x20 1x2 0x40", ObjectLabels)],
            NotYet = "30s",
            FiresAt = "2m",
            ResolvedAt = "5m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerTrafficNotPublished")
        {
            Fires = [Sample.Operator("shortener_traffic_published", "0x80 1x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_traffic_published", "0x30 1x90", ObjectLabels)],
            NotYet = "9m",
            FiresAt = "12m",
            ResolvedAt = "22m",
            Labels = RegionObject,
        };
    }

    private static IEnumerable<AlertCase> Keys()
    {
        yield return new AlertCase("ShortenerKeyPoolLow")
        {
            Fires = [PoolKeys("99999x20 100000x40")],
            Below = [PoolKeys("100000x60")],
            FiresAt = "1m",
            ResolvedAt = "8m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyPoolLow")
        {
            Variant = "a small pool, seen by the operator",
            Fires =
            [
                Sample.Operator("shortener_keypool_available", "4999x20 5000x40", ObjectLabels),
                Sample.Operator("shortener_keypool_low_watermark", "5000x60", ObjectLabels),
            ],
            Below =
            [
                Sample.Operator("shortener_keypool_available", "5000x60", ObjectLabels),
                Sample.Operator("shortener_keypool_low_watermark", "5000x60", ObjectLabels),
            ],
            FiresAt = "1m",
            ResolvedAt = "8m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyPoolLow")
        {
            Variant = "a large pool, which is refilled from 400,000 keys",
            Fires = [PoolKeys("99999x20 100000x40"), Sample.Operator("shortener_keypool_low_watermark", "400000x60", ObjectLabels)],
            Below = [PoolKeys("100000x60"), Sample.Operator("shortener_keypool_low_watermark", "400000x60", ObjectLabels)],
            FiresAt = "1m",
            ResolvedAt = "8m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyPoolCritical")
        {
            Fires = [PoolKeys("9999x20 10000x40")],
            Below = [PoolKeys("10000x60")],
            FiresAt = "1m",
            ResolvedAt = "8m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyPoolCritical")
        {
            Variant = "a region that takes no changes",
            Fires = [PoolKeys("9999x20 10000x40"), ReadOnly("standby", "0x60")],
            Below = [PoolKeys("0x60"), ReadOnly("standby", "1x60")],
            FiresAt = "1m",
            ResolvedAt = "8m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyPoolLow")
        {
            Variant = "a region that takes no changes",
            Fires = [PoolKeys("99999x20 100000x40"), ReadOnly("fenced", "0x60")],
            Below = [PoolKeys("0x60"), ReadOnly("fenced", "1x60")],
            FiresAt = "1m",
            ResolvedAt = "8m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyPoolCritical")
        {
            Variant = "a small pool",
            Fires = [PoolKeys("499x20 500x40"), Sample.Operator("shortener_keypool_critical_watermark", "500x60", ObjectLabels)],
            Below = [PoolKeys("500x60"), Sample.Operator("shortener_keypool_critical_watermark", "500x60", ObjectLabels)],
            FiresAt = "1m",
            ResolvedAt = "8m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyGenerationAbsent")
        {
            Fires = [PoolKeys("5x20 stale _x60 5x60"), Sample.Operator("shortener_keypool_target", "10x160", ObjectLabels)],
            Below = [PoolKeys("5x20 stale _x12 5x100"), Sample.Operator("shortener_keypool_target", "10x160", ObjectLabels)],
            NotYet = "9m",
            FiresAt = "11m",
            ResolvedAt = "22m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyGenerationAbsent")
        {
            Variant = "no operator",
            Fires = [PoolKeys("5x20 stale _x60 5x60")],
            // The operator is there, and knows no such pool.
            Below = [PoolKeys("5x20 stale"), Sample.Operator("leader_election_master_status", "1x160", Leader)],
            NotYet = "9m",
            FiresAt = "11m",
            ResolvedAt = "22m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyGenerationAbsent")
        {
            Variant = "the leader of the operator changes",
            Fires = [PoolKeys("5x20 stale"), Sample.Operator("shortener_keypool_target", "10x20 stale", ObjectLabels), LeaderStatus("1x20 stale _x24 1x100")],
            // The pool was deleted, and the operator goes on.
            Below = [PoolKeys("5x22 stale"), Sample.Operator("shortener_keypool_target", "10x20 stale", ObjectLabels), LeaderStatus("1x200")],
            NotYet = "9m",
            FiresAt = "11m",
            ResolvedAt = "22m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyGenerationAbsent")
        {
            Variant = "a suspended region",
            Fires =
            [
                PoolKeys("5x20 stale _x60 5x60"),
                Sample.Operator("shortener_keypool_target", "10x160", ObjectLabels),
                Sample.Operator("shortener_region_suspended", "1x160", ObjectLabels),
                PodsMinimum("2x160"),
            ],
            // Scaled to 0, as for a restore.
            Below =
            [
                PoolKeys("5x20 stale"),
                Sample.Operator("shortener_keypool_target", "10x160", ObjectLabels),
                Sample.Operator("shortener_region_suspended", "1x160", ObjectLabels),
                PodsMinimum("0x160"),
            ],
            NotYet = "9m",
            FiresAt = "11m",
            ResolvedAt = "22m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyGenerationFailing")
        {
            Fires = [Sample.KgsCounter("shortener_kgs_failures_total", "step=\"claim\"", (40, 1), (80, 0))],
            Below = [Sample.KgsCounter("shortener_kgs_failures_total", "step=\"claim\"", (120, 0.05))],
            NotYet = "4m",
            FiresAt = "8m",
            ResolvedAt = "22m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeysOnDemand")
        {
            Fires = [Burst("shortener_keys_on_demand_total", 110)],
            Below = [Burst("shortener_keys_on_demand_total", 90)],
            FiresAt = "2m",
            ResolvedAt = "13m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyEpochOpened")
        {
            Fires = [Sample.Gauge("shortener_kgs_epoch", "3x10 4x170", "", "eu-kgs-1", "kgs")],
            Below = [Sample.Gauge("shortener_kgs_epoch", "3x180", "", "eu-kgs-1", "kgs")],
            FiresAt = "5m",
            ResolvedAt = "36m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyEpochOpened")
        {
            Variant = "seen by the operator",
            Fires = [Sample.Operator("shortener_keypool_epoch", "3x10 4x170", ObjectLabels)],
            Below = [Sample.Operator("shortener_keypool_epoch", "3x180", ObjectLabels)],
            FiresAt = "5m",
            ResolvedAt = "36m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerKeyBatchesAdopted")
        {
            Fires = [Sample.KgsCounter("shortener_kgs_batches_adopted_total", "", (4, 0), (1, 1), (160, 0))],
            Below = [Sample.KgsCounter("shortener_kgs_batches_adopted_total", "", (160, 0))],
            FiresAt = "2m",
            ResolvedAt = "33m",
            Labels = Region,
        };
    }

    private static IEnumerable<AlertCase> Clicks()
    {
        yield return new AlertCase("ShortenerClicksDropped")
        {
            Fires = [Sample.Counter("shortener_clicks_dropped_total", "reason=\"queue_full\"", (4, 0), (1, 5), (75, 0))],
            Below =
            [
                Sample.Counter("shortener_clicks_dropped_total", "reason=\"queue_full\"", (80, 0)),
                Sample.Counter("shortener_clicks_dropped_total", "reason=\"read_only\"", (80, 5)),
            ],
            FiresAt = "2m",
            ResolvedAt = "13m",
            Labels = Region + ", reason=\"queue_full\"",
        };
        yield return new AlertCase("ShortenerClicksWaiting")
        {
            Fires = [Sample.Gauge("shortener_clicks_waiting", "1100x40 10x40"), Sample.Counter("shortener_redirects_total", "result=\"found\"", (80, 15))],
            Below = [Sample.Gauge("shortener_clicks_waiting", "1050x80"), Sample.Counter("shortener_redirects_total", "result=\"found\"", (80, 15))],
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "11m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerClicksWaiting")
        {
            Variant = "a region that takes no changes",
            Fires =
            [
                Sample.Gauge("shortener_clicks_waiting", "1100x40 10x40"),
                Sample.Counter("shortener_redirects_total", "result=\"found\"", (80, 15)),
                ReadOnly("standby", "0x80"),
            ],
            Below =
            [
                Sample.Gauge("shortener_clicks_waiting", "100000x80"),
                Sample.Counter("shortener_redirects_total", "result=\"found\"", (80, 15)),
                ReadOnly("standby", "1x80"),
            ],
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "11m",
            Labels = Region,
        };
    }

    private static IEnumerable<AlertCase> ClickEvents()
    {
        yield return new AlertCase("ShortenerClickEventsDropped")
        {
            Fires = [Sample.Counter("shortener_click_events_dropped_total", "reason=\"spool_full\"", (4, 0), (1, 5), (75, 0))],
            Below = [Sample.Counter("shortener_click_events_dropped_total", "reason=\"spool_full\"", (80, 0))],
            FiresAt = "2m",
            ResolvedAt = "13m",
            Labels = Region + ", reason=\"spool_full\"",
        };
        yield return new AlertCase("ShortenerClickSpoolFilling")
        {
            Fires = [Sample.Gauge("shortener_click_spool_bytes", "600x40 10x40"), Sample.Gauge("shortener_click_spool_limit_bytes", "1000x80")],
            Below = [Sample.Gauge("shortener_click_spool_bytes", "500x80"), Sample.Gauge("shortener_click_spool_limit_bytes", "1000x80")],
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "11m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerClickEventsFailing")
        {
            Fires =
            [
                Sample.Gauge("shortener_click_events_failing", "1x40 0x40", "reason=\"authentication\""),
                Sample.Gauge("shortener_click_events_failing", "0x80", "reason=\"tls\""),
            ],
            Below = [Sample.Gauge("shortener_click_events_failing", "1x10 0x2 1x10 0x58", "reason=\"authentication\"")],
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "11m",
            Labels = Region + ", reason=\"authentication\"",
        };
        yield return new AlertCase("ShortenerClickSpoolUnwritable")
        {
            Fires = [Sample.Gauge("shortener_click_spool_unwritable", "1x40 0x40")],
            Below = [Sample.Gauge("shortener_click_spool_unwritable", "1x10 0x2 1x10 0x58")],
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "11m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerClickEventsUnaccounted")
        {
            // 100 were captured and 20 were there before; 3 are missing.
            Fires = EventsOf(captured: "100x80", published: "90x40 93x40", spooled: "22x80", dropped: "5x80"),
            Below = EventsOf(captured: "100x80", published: "93x80", spooled: "22x80", dropped: "5x80"),
            NotYet = "4m",
            FiresAt = "8m",
            ResolvedAt = "11m30s",
            Labels = Region,
        };

        static Sample[] EventsOf(string captured, string published, string spooled, string dropped) =>
            [
                Sample.Gauge("shortener_click_events_captured_total", captured),
                Sample.Gauge("shortener_click_events_recovered_total", "20x80"),
                Sample.Gauge("shortener_click_events_published_total", published),
                Sample.Gauge("shortener_click_events_spooled", spooled),
                Sample.Gauge("shortener_click_events_dropped_total", dropped, "reason=\"spool_full\""),
                Sample.Gauge("shortener_click_events_dropped_total", "0x80", "reason=\"damaged\""),
            ];
    }

    private static IEnumerable<AlertCase> ClickLoad()
    {
        yield return new AlertCase("ShortenerClickLoadFailing")
        {
            Fires = [Sample.Gauge("shortener_click_load_failing", "1x40 0x40")],
            Below = [Sample.Gauge("shortener_click_load_failing", "1x10 0x2 1x10 0x58")],
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "11m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerClickLoadBehind")
        {
            Fires = [Sample.Gauge("shortener_click_load_delay_seconds", "130x40 2x40")],
            Below = [Sample.Gauge("shortener_click_load_delay_seconds", "110x80")],
            NotYet = "4m",
            FiresAt = "7m",
            ResolvedAt = "11m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerClickResultsLate")
        {
            Fires =
            [
                Sample.Gauge("shortener_click_load_newest_timestamp_seconds", "1000000+15x120"),
                Sample.Gauge("shortener_click_results_newest_timestamp_seconds", "999980x60 1000880+15x60"),
            ],
            // No clicks come; or no results are to be loaded.
            Below =
            [
                Sample.Gauge("shortener_click_load_newest_timestamp_seconds", "1000000x80"),
                Sample.Gauge("shortener_click_results_newest_timestamp_seconds", "999710x80"),
            ],
            NotYet = "9m",
            FiresAt = "11m",
            ResolvedAt = "16m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerClickFlood")
        {
            Fires = [Sample.Counter("shortener_click_floods_total", "of=\"link\"", (4, 0), (1, 2), (115, 0))],
            Below = [Sample.Counter("shortener_click_floods_total", "of=\"link\"", (120, 0))],
            FiresAt = "2m",
            ResolvedAt = "18m",
            Labels = Region + ", of=\"link\"",
        };
        yield return new AlertCase("ShortenerClickEventsNotLoaded")
        {
            // 40 % are loaded, and later what is missing too.
            Fires = LoadOf((200, 15), (200, 95)),
            // 60 %.
            Below = LoadOf((400, 25)),
            NotYet = "30m",
            FiresAt = "45m",
            ResolvedAt = "65m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerClicksNotCounted")
        {
            Fires = [Sample.Gauge("shortener_click_fold_delay_seconds", "310x80 5x40")],
            Below = [Sample.Gauge("shortener_click_fold_delay_seconds", "290x120")],
            NotYet = "9m",
            FiresAt = "12m",
            ResolvedAt = "22m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerClickEventsExpired")
        {
            Fires = [Sample.Counter("shortener_click_events_expired_total", "", (4, 0), (1, 5), (395, 0))],
            Below = [Sample.Counter("shortener_click_events_expired_total", "", (400, 0))],
            FiresAt = "2m",
            ResolvedAt = "63m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerClickEventsRejected")
        {
            Fires = [Sample.Counter("shortener_click_events_rejected_total", "reason=\"not_json\"", (4, 0), (1, 5), (395, 0))],
            Below = [Sample.Counter("shortener_click_events_rejected_total", "reason=\"not_json\"", (400, 0))],
            FiresAt = "2m",
            ResolvedAt = "63m",
            Labels = Region + ", reason=\"not_json\"",
        };
    }

    // 50 are published in each sample.
    private static Sample[] LoadOf(params (int Count, double Step)[] loaded) =>
        [
            Sample.Counter("shortener_click_events_published_total", "", (400, 50)),
            Sample.Counter("shortener_click_events_loaded_total", "", loaded),
            Sample.Counter("shortener_click_events_duplicate_total", "", (400, 2)),
            Sample.Counter("shortener_click_events_rejected_total", "reason=\"not_json\"", (400, 2)),
            Sample.Counter("shortener_click_events_rejected_total", "reason=\"not_by_schema\"", (400, 0)),
            Sample.Counter("shortener_click_events_expired_total", "", (400, 1)),
            Sample.Gauge("shortener_click_load_lag_events", "3x400"),
        ];

    private static IEnumerable<AlertCase> Operator()
    {
        yield return new AlertCase("ShortenerClickErasureOverdue")
        {
            Fires = [Sample.Gauge("shortener_click_erasure_delay_seconds", "3660x80 0x40")],
            Below = [Sample.Gauge("shortener_click_erasure_delay_seconds", "3600x120")],
            NotYet = "4m",
            FiresAt = "16m",
            ResolvedAt = "21m",
            Labels = Region,
        };
        yield return new AlertCase("ShortenerOperatorNoLeader")
        {
            Fires = [LeaderStatus("1x20 0x60 1x40"), LeaderStatus("0x120", "shortener-operator-2")],
            Below = [LeaderStatus("1x20 0x30 1x70"), LeaderStatus("0x120", "shortener-operator-2")],
            NotYet = "15m",
            FiresAt = "18m",
            ResolvedAt = "21m",
            Labels = Leader,
        };
        yield return new AlertCase("ShortenerOperatorNoLeader")
        {
            Variant = "not scraped",
            Fires = [LeaderStatus("1x20 stale _x60 1x40")],
            Below = [LeaderStatus("1x20 stale _x30 1x70")],
            NotYet = "15m",
            FiresAt = "18m",
            ResolvedAt = "21m",
            Labels = "",
        };
        yield return new AlertCase("ShortenerOperatorTwoLeaders")
        {
            Fires = [LeaderStatus("1x100"), LeaderStatus("1x20 0x80", "shortener-operator-2")],
            Below = [LeaderStatus("1x100"), LeaderStatus("1x4 0x80", "shortener-operator-2")],
            NotYet = "30s",
            FiresAt = "2m30s",
            ResolvedAt = "7m",
            Labels = Leader,
        };
        yield return new AlertCase("ShortenerReconcilePanics")
        {
            Fires = [OperatorCounter("controller_runtime_reconcile_panics_total", Regions, (4, 0), (1, 1), (160, 0))],
            Below = [OperatorCounter("controller_runtime_reconcile_panics_total", Regions, (160, 0))],
            FiresAt = "2m",
            ResolvedAt = "33m",
            Labels = Regions,
        };
        yield return new AlertCase("ShortenerReconcileErrors")
        {
            Fires =
            [
                OperatorCounter("controller_runtime_reconcile_errors_total", Regions, (120, 2.1), (120, 0)),
                OperatorCounter("controller_runtime_reconcile_total", Regions + ", result=\"success\"", (240, 10)),
            ],
            Below =
            [
                OperatorCounter("controller_runtime_reconcile_errors_total", Regions, (240, 1.9)),
                OperatorCounter("controller_runtime_reconcile_total", Regions + ", result=\"success\"", (240, 10)),
            ],
            NotYet = "14m",
            FiresAt = "18m",
            ResolvedAt = "47m",
            Labels = Regions,
        };
        yield return new AlertCase("ShortenerOperatorQueueOld")
        {
            Fires = [Sample.Operator("workqueue_longest_running_processor_seconds", "61x20 0x60", RegionQueue)],
            Below = [Sample.Operator("workqueue_longest_running_processor_seconds", "60x80", RegionQueue)],
            NotYet = "45s",
            FiresAt = "3m",
            ResolvedAt = "8m",
            Labels = RegionQueue,
        };
        yield return new AlertCase("ShortenerOperatorQueueSlow")
        {
            Fires = [Sample.Operator("shortener_operator_workqueue_longest_waiting_seconds", "31x60 0x60", RegionQueue)],
            Below = [Sample.Operator("shortener_operator_workqueue_longest_waiting_seconds", "30x120", RegionQueue)],
            NotYet = "4m",
            FiresAt = "8m",
            ResolvedAt = "16m",
            Labels = RegionQueue,
        };
        yield return new AlertCase("ShortenerObjectUndecodable")
        {
            Fires = [OperatorCounter("shortener_operator_informer_undecodable_total", "kind=\"Pod\"", (4, 0), (1, 1), (160, 0))],
            Below = [OperatorCounter("shortener_operator_informer_undecodable_total", "kind=\"Pod\"", (160, 0))],
            FiresAt = "2m",
            ResolvedAt = "33m",
            Labels = "kind=\"Pod\"",
        };
        yield return new AlertCase("ShortenerEventsDropped")
        {
            Fires = [OperatorCounter("shortener_operator_events_dropped_total", "cause=\"full\"", (4, 0), (1, 1), (160, 0))],
            Below = [OperatorCounter("shortener_operator_events_dropped_total", "cause=\"full\"", (160, 0))],
            FiresAt = "2m",
            ResolvedAt = "33m",
            Labels = "",
        };
        yield return new AlertCase("ShortenerEditsReverted")
        {
            Fires = [OperatorCounter("shortener_operator_reverts_total", "kind=\"Deployment\"", (4, 0), (1, 1), (160, 0))],
            Below = [OperatorCounter("shortener_operator_reverts_total", "kind=\"Deployment\"", (160, 0))],
            FiresAt = "2m",
            ResolvedAt = "33m",
            Labels = "kind=\"Deployment\"",
        };
        yield return new AlertCase("ShortenerObjectContested")
        {
            Fires = [OperatorCounter("shortener_operator_contests_total", "kind=\"Deployment\", by=\"client\"", (4, 0), (1, 1), (280, 0))],
            // A policy of the cluster, whose value the operator accepts.
            Below = [OperatorCounter("shortener_operator_contests_total", "kind=\"Deployment\", by=\"cluster\"", (4, 0), (1, 1), (280, 0))],
            FiresAt = "2m",
            ResolvedAt = "63m",
            Labels = "kind=\"Deployment\"",
        };
        yield return new AlertCase("ShortenerWebhookNotAnswering")
        {
            Fires = [ApiServer("apiserver_admission_webhook_fail_open_count", "_x4 1x160", "validate.urlshortener.dev")],
            // Another webhook.
            Below = [ApiServer("apiserver_admission_webhook_fail_open_count", "_x4 1x160", "validate.example.com")],
            FiresAt = "2m",
            ResolvedAt = "17m",
            Labels = "name=\"validate.urlshortener.dev\"",
        };
        yield return new AlertCase("ShortenerWebhookNotAnswering")
        {
            Variant = "again",
            Fires = [ApiServer("apiserver_admission_webhook_fail_open_count", "7x80 8x160", "validate.urlshortener.dev")],
            Below = [ApiServer("apiserver_admission_webhook_fail_open_count", "7x240", "validate.urlshortener.dev")],
            NotYet = "19m",
            FiresAt = "22m",
            ResolvedAt = "37m",
            Labels = "name=\"validate.urlshortener.dev\"",
        };
        yield return new AlertCase("ShortenerWebhookNotAnswering")
        {
            Variant = "the failure policy is Fail",
            Fires = [ApiServer("apiserver_admission_webhook_rejection_count", "_x4 1x160", "validate-deletion.urlshortener.dev", "calling_webhook_error")],
            // It answered, and refused the deletion.
            Below = [ApiServer("apiserver_admission_webhook_rejection_count", "_x4 1x160", "validate-deletion.urlshortener.dev", "no_error")],
            FiresAt = "2m",
            ResolvedAt = "17m",
            Labels = "name=\"validate-deletion.urlshortener.dev\"",
        };
        yield return new AlertCase("ShortenerWebhookCertificateFailing")
        {
            Fires = [OperatorCounter("shortener_webhook_certificate_failures_total", "", (80, 0.5), (160, 0))],
            Below = [OperatorCounter("shortener_webhook_certificate_failures_total", "", (240, 0.02))],
            NotYet = "9m",
            FiresAt = "15m",
            ResolvedAt = "51m",
            Labels = "",
        };
        yield return new AlertCase("ShortenerRegionUnavailable")
        {
            Fires = [Sample.Operator("shortener_region_available", "0x20 1x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_region_available", "0x6 1x60", ObjectLabels)],
            NotYet = "1m",
            FiresAt = "3m",
            ResolvedAt = "6m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerRegionUnavailable")
        {
            Variant = "a suspended region",
            Fires = [Sample.Operator("shortener_region_available", "0x20 1x40", ObjectLabels), PodsMinimum("2x60")],
            // Scaled to 0, as for a restore.
            Below = [Sample.Operator("shortener_region_available", "0x60", ObjectLabels), PodsMinimum("0x60")],
            NotYet = "1m",
            FiresAt = "3m",
            ResolvedAt = "6m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerRegionStalled")
        {
            Fires = [Sample.Operator("shortener_region_stalled", "1x40 0x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_region_stalled", "1x15 0x70", ObjectLabels)],
            NotYet = "4m",
            FiresAt = "6m",
            ResolvedAt = "11m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerClickLoadersMissing")
        {
            Fires = [Sample.Operator("shortener_region_loaders_ready", "0x60 1x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_region_loaders_ready", "0x35 1x70", ObjectLabels)],
            NotYet = "9m",
            FiresAt = "11m",
            ResolvedAt = "16m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerKeyPoolStalled")
        {
            Fires = [Sample.Operator("shortener_keypool_stalled", "1x40 0x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_keypool_stalled", "1x15 0x70", ObjectLabels)],
            NotYet = "4m",
            FiresAt = "6m",
            ResolvedAt = "11m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerRegionNotReady")
        {
            Fires =
            [
                Sample.Operator("shortener_region_ready", "0x80 1x40", ObjectLabels),
                Sample.Operator("shortener_region_suspended", "0x120", ObjectLabels),
            ],
            Below = [Sample.Operator("shortener_region_ready", "0x120", ObjectLabels), Sample.Operator("shortener_region_suspended", "1x120", ObjectLabels)],
            NotYet = "14m",
            FiresAt = "16m",
            ResolvedAt = "21m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerRegionSuspended")
        {
            Fires = [Sample.Operator("shortener_region_suspended", "1x300 0x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_region_suspended", "1x280 0x60", ObjectLabels)],
            NotYet = "23h",
            FiresAt = "24h30m",
            ResolvedAt = "25h10m",
            Labels = RegionObject,
            Interval = "5m",
        };
        yield return new AlertCase("ShortenerAutoscalerAtMaximum")
        {
            Fires = [Sample.Operator("shortener_region_autoscaler_limited", "1x60 0x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_region_autoscaler_limited", "1x30 0x70", ObjectLabels)],
            NotYet = "9m",
            FiresAt = "12m",
            ResolvedAt = "18m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerSchemaAhead")
        {
            Fires = [Sample.Operator("shortener_region_schema", "1x60 0x40", ObjectLabels + ", state=\"ahead\"")],
            Below = [Sample.Operator("shortener_region_schema", "1x100", ObjectLabels + ", state=\"current\"")],
            NotYet = "9m",
            FiresAt = "12m",
            ResolvedAt = "18m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerDatabaseMigratedAgain")
        {
            Fires = [Sample.Operator("shortener_region_schema_repairs", "0x4 1x44 0x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_region_schema_repairs", "0x88", ObjectLabels)],
            FiresAt = "2m",
            ResolvedAt = "15m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerRedisSlotsNotServed")
        {
            Fires = [Sample.Operator("shortener_redis_slots_served", "10923x40 16384x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_redis_slots_served", "10923x2 16384x78", ObjectLabels)],
            NotYet = "30s",
            FiresAt = "2m",
            ResolvedAt = "11m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerRedisDegraded")
        {
            Fires = [Sample.Operator("shortener_redis_nodes", "6x80", ObjectLabels), Sample.Operator("shortener_redis_nodes_ready", "5x40 6x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_redis_nodes", "6x80", ObjectLabels), Sample.Operator("shortener_redis_nodes_ready", "5x15 6x65", ObjectLabels)],
            NotYet = "4m",
            FiresAt = "6m",
            ResolvedAt = "11m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerRedisPersistenceFailing")
        {
            Fires = [Sample.Operator("shortener_redis_persistence_failing", "1x40 0x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_redis_persistence_failing", "1x6 0x74", ObjectLabels)],
            NotYet = "1m",
            FiresAt = "3m",
            ResolvedAt = "11m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerRedisSlotsNotMoving")
        {
            Fires =
            [
                Sample.Operator("shortener_redis_slots_to_move", "300x60 0x40", ObjectLabels),
                Sample.Operator("shortener_redis_slots_moved_total", "70x100", ObjectLabels),
            ],
            // A move that takes an hour.
            Below =
            [
                Sample.Operator("shortener_redis_slots_to_move", "4000-1x100", ObjectLabels),
                Sample.Operator("shortener_redis_slots_moved_total", "0+1x100", ObjectLabels),
            ],
            NotYet = "9m",
            FiresAt = "12m",
            ResolvedAt = "20m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerRedisFailover")
        {
            Fires = [RedisFailovers("Assisted", "0x40 1x200")],
            // A rolling update.
            Below = [RedisFailovers("Update", "0x40 3x200")],
            FiresAt = "12m",
            ResolvedAt = "27m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerPostgresDown")
        {
            Fires = [Sample.Operator("shortener_postgres_cluster_ready", "1x20 0x40 1x40", ObjectLabels)],
            // A new region, whose PostgreSQL starts.
            Below = [Sample.Operator("shortener_postgres_cluster_ready", "0x60 1x40", ObjectLabels)],
            NotYet = "5m30s",
            FiresAt = "7m30s",
            ResolvedAt = "16m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerPostgresDegraded")
        {
            Fires =
            [
                Sample.Operator("shortener_postgres_cluster_members", "3x80", ObjectLabels),
                Sample.Operator("shortener_postgres_cluster_members_ready", "2x40 3x40", ObjectLabels),
            ],
            Below =
            [
                Sample.Operator("shortener_postgres_cluster_members", "3x80", ObjectLabels),
                Sample.Operator("shortener_postgres_cluster_members_ready", "2x15 3x65", ObjectLabels),
            ],
            NotYet = "4m",
            FiresAt = "6m",
            ResolvedAt = "11m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerPostgresVolumeFull")
        {
            Fires = [Sample.Operator("shortener_postgres_cluster_volumes_low", "1x40 0x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_postgres_cluster_volumes_low", "1x6 0x74", ObjectLabels)],
            NotYet = "1m",
            FiresAt = "3m",
            ResolvedAt = "11m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerPostgresNotSynchronous")
        {
            Fires = [Sample.Operator("shortener_postgres_cluster_synchrony_healthy", "0x40 1x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_postgres_cluster_synchrony_healthy", "0x6 1x74", ObjectLabels)],
            NotYet = "1m",
            FiresAt = "3m",
            ResolvedAt = "11m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerPostgresStandbyAway")
        {
            Fires = [Sample.Operator("shortener_postgres_standby_replicating", "1x20 0x40 1x40", ObjectLabels)],
            // A new region, which copies the database.
            Below = [Sample.Operator("shortener_postgres_standby_replicating", "0x60 1x40", ObjectLabels)],
            NotYet = "9m",
            FiresAt = "11m",
            ResolvedAt = "16m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerPostgresChangesSaved")
        {
            Fires = [Sample.Operator("shortener_postgres_cluster_saved_changes", "80x40 0x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_postgres_cluster_saved_changes", "0x80", ObjectLabels)],
            NotYet = "30s",
            FiresAt = "3m",
            ResolvedAt = "13m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerBackupFailing")
        {
            Fires = [Sample.Operator("shortener_postgres_backup_healthy", "0x520 1x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_postgres_backup_healthy", "0x440 1x120", ObjectLabels)],
            NotYet = "1h55m",
            FiresAt = "2h5m",
            ResolvedAt = "2h15m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerRehearsalFailing")
        {
            Fires = [Sample.Operator("shortener_postgres_rehearsal_healthy", "0x280 1x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_postgres_rehearsal_healthy", "0x200 1x120", ObjectLabels)],
            NotYet = "55m",
            FiresAt = "1h5m",
            ResolvedAt = "1h15m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerArchivingStalled")
        {
            Fires = [Sample.Operator("shortener_postgres_backup_archiving", "0x80 1x40", ObjectLabels)],
            Below = [Sample.Operator("shortener_postgres_backup_archiving", "0x30 1x90", ObjectLabels)],
            NotYet = "9m",
            FiresAt = "12m",
            ResolvedAt = "24m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerPostgresFailover")
        {
            Fires = [PostgresFailovers("Assisted", "0x40 1x200")],
            // A planned switchover.
            Below = [PostgresFailovers("Planned", "0x40 3x200")],
            FiresAt = "12m",
            ResolvedAt = "27m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerPostgresRolloutStuck")
        {
            Fires = [Sample.Operator("shortener_postgres_cluster_members_outdated", "1x160 0x80", ObjectLabels)],
            // A rollout of three members that goes on.
            Below = [Sample.Operator("shortener_postgres_cluster_members_outdated", "3x60 2x60 1x60 0x60", ObjectLabels)],
            NotYet = "14m",
            FiresAt = "32m",
            ResolvedAt = "42m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerRedisPasswordStuck")
        {
            Fires = [Sample.Operator("shortener_redis_password_current", "0x80 1x80", ObjectLabels)],
            // A rotation takes some minutes.
            Below = [Sample.Operator("shortener_redis_password_current", "0x40 1x120", ObjectLabels)],
            NotYet = "14m",
            FiresAt = "17m",
            ResolvedAt = "24m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerPostgresPasswordStuck")
        {
            Fires = [Sample.Operator("shortener_postgres_cluster_password_current", "0x80 1x80", ObjectLabels)],
            // A rotation takes some minutes.
            Below = [Sample.Operator("shortener_postgres_cluster_password_current", "0x40 1x120", ObjectLabels)],
            NotYet = "14m",
            FiresAt = "17m",
            ResolvedAt = "24m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerPrimaryMoved")
        {
            Fires = [RegionRole("Primary", "0x160 1x200"), RegionRole("Standby", "1x160 0x200")],
            // A region that is new.
            Below = [RegionRole("Primary", "_x160 1x200"), RegionRole("Standby", "_x160 0x200")],
            FiresAt = "45m",
            ResolvedAt = "73m",
            Labels = RegionObject,
        };
    }

    private static IEnumerable<AlertCase> Failovers()
    {
        yield return new AlertCase("ShortenerWriteRoleStuck")
        {
            Fires = [RegionPhase("Fencing", "1x40 0x40"), RegionPhase("Stable", "0x40 1x40")],
            // A move that ends after two minutes.
            Below = [RegionPhase("Fencing", "1x8 0x72"), RegionPhase("Stable", "0x8 1x72")],
            NotYet = "2m",
            FiresAt = "5m",
            ResolvedAt = "13m",
            Labels = $"{RegionObject}, phase=\"Fencing\"",
        };
        yield return new AlertCase("ShortenerFailoverNotAutomatic")
        {
            Fires =
            [
                Sample.Operator("shortener_region_failover_wanted", "1x160", ObjectLabels),
                Sample.Operator("shortener_region_failover_automatic", "0x80 1x80", ObjectLabels),
            ],
            // Nobody asked for it.
            Below =
            [
                Sample.Operator("shortener_region_failover_wanted", "0x160", ObjectLabels),
                Sample.Operator("shortener_region_failover_automatic", "0x160", ObjectLabels),
            ],
            NotYet = "8m",
            FiresAt = "15m",
            ResolvedAt = "24m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerVotesMissing")
        {
            Fires =
            [
                Sample.Operator("shortener_region_voters", "3x160", ObjectLabels),
                Sample.Operator("shortener_region_voters_answering", "2x80 3x80", ObjectLabels),
            ],
            Below =
            [
                Sample.Operator("shortener_region_voters", "3x160", ObjectLabels),
                Sample.Operator("shortener_region_voters_answering", "2x12 3x148", ObjectLabels),
            ],
            NotYet = "4m",
            FiresAt = "10m",
            ResolvedAt = "24m",
            Labels = RegionObject,
        };
        yield return new AlertCase("ShortenerClusterUnreachable")
        {
            Fires = [Sample.Operator("shortener_region_cluster_reachable", "0x80 1x80", ObjectLabels)],
            Below = [Sample.Operator("shortener_region_cluster_reachable", "0x8 1x152", ObjectLabels)],
            NotYet = "2m",
            FiresAt = "8m",
            ResolvedAt = "24m",
            Labels = RegionObject,
        };
    }

    private static Sample RedisFailovers(string cause, string values) =>
        Sample.Operator("shortener_redis_failovers_total", values, $"{ObjectLabels},cause=\"{cause}\"");

    private static Sample PostgresFailovers(string cause, string values) =>
        Sample.Operator("shortener_postgres_cluster_failovers_total", values, $"{ObjectLabels},cause=\"{cause}\"");

    private static IEnumerable<AlertCase> Certificates()
    {
        yield return new AlertCase("ShortenerCertificateEndsSoon")
        {
            Fires = [CertificateEnd("1814400x120 7776000x60")],
            // 21 days and 2 hours.
            Below = [CertificateEnd("1821600x180")],
            NotYet = "50m",
            FiresAt = "65m",
            ResolvedAt = "2h10m",
            Labels = "certificate=\"webhook_serving\"",
            Interval = "1m",
        };
        yield return new AlertCase("ShortenerCertificateEnds")
        {
            Fires = [CertificateEnd("604800x120 7776000x60")],
            Below = [CertificateEnd("606600x180")],
            NotYet = "9m",
            FiresAt = "12m",
            ResolvedAt = "2h10m",
            Labels = "certificate=\"webhook_serving\"",
            Interval = "1m",
        };
    }

    private static IEnumerable<Sample> Redirects(int[] intervals, params (string Border, double Step)[][] phases) =>
        Sample.Histogram("shortener_redirect_seconds", "tier=\"store\"", intervals, phases);

    private static IEnumerable<Sample> Creates(int[] intervals, params (string Border, double Step)[][] phases) =>
        Sample.Histogram("shortener_api_request_seconds", "operation=\"createLink\", result=\"success\"", intervals, phases);

    private static IEnumerable<Sample> Requests(string operation, int[] intervals, params (double Succeeded, double Failed)[] phases)
    {
        return [Of("200", phase => phase.Succeeded), Of("503", phase => phase.Failed), BuildInfo($"1x{intervals.Sum()}")];

        Sample Of(string code, Func<(double Succeeded, double Failed), double> step) =>
            Sample.Counter(
                "shortener_requests_total",
                $"operation=\"{operation}\", code=\"{code}\"",
                [.. phases.Select((phase, n) => (intervals[n], step(phase)))]
            );
    }

    private static IEnumerable<Sample> Lookups(int[] intervals, params (double Hit, double Miss, double Shared)[] phases)
    {
        return
        [
            Of("memory", "hit", phase => phase.Hit),
            Of("memory", "miss", phase => phase.Miss),
            Of("redis", "hit", phase => phase.Shared),
            Of("redis", "miss", phase => phase.Miss - phase.Shared),
        ];

        Sample Of(string tier, string result, Func<(double Hit, double Miss, double Shared), double> step) =>
            Sample.Counter(
                "shortener_cache_lookups_total",
                $"tier=\"{tier}\", result=\"{result}\"",
                [.. phases.Select((phase, n) => (intervals[n], step(phase)))]
            );
    }

    private static Sample BuildInfo(string values) => Sample.Gauge("shortener_build_info", values, "version=\"0.1.0\", commit=\"abc\", role=\"app\"");

    private static Sample PodsMinimum(string values) => Sample.Operator("shortener_region_pods_minimum", values, ObjectLabels);

    private static Sample Available(string values) => Sample.Operator("shortener_region_available", values, ObjectLabels);

    private static Sample Up(string values) =>
        new("up{namespace=\"shop\", job=\"url-shortener\", pod=\"eu-app-1\", instance=\"10.1.0.7:8081\", container=\"app\", endpoint=\"management\"}", values);

    private static Sample Decisions(double step) => Sample.Counter("shortener_rate_limit_decisions_total", "policy=\"free\", result=\"allowed\"", (80, step));

    private static Sample Failures(double step) =>
        Sample.Counter("shortener_dependency_failures_total", "dependency=\"postgres-primary\", cause=\"open\"", (80, step));

    private static Sample Burst(string metric, double count) => Sample.Counter(metric, "", (4, 0), (1, count), (75, 0));

    private static Sample ReadOnly(string reason, string values) => Sample.Gauge("shortener_read_only", values, $"reason=\"{reason}\"");

    private static Sample PoolKeys(string values) => Sample.Gauge("shortener_kgs_pool_keys", values, "", "eu-kgs-1", "kgs");

    private static Sample LeaderStatus(string values, string pod = "shortener-operator-1") =>
        Sample.Operator("leader_election_master_status", values, Leader, pod);

    private static Sample OperatorCounter(string metric, string labels, params (int Intervals, double Step)[] phases) =>
        Sample.Operator(metric, Sample.Grow(phases), labels);

    private static Sample RegionPhase(string phase, string values) => Sample.Operator("shortener_region_phase", values, $"{ObjectLabels}, phase=\"{phase}\"");

    private static Sample RegionRole(string role, string values) => Sample.Operator("shortener_region_role", values, $"{ObjectLabels}, role=\"{role}\"");

    // With the labels of kube-prometheus-stack's ServiceMonitor of the API servers.
    private static Sample ApiServer(string metric, string values, string webhook, string? error = null) =>
        new(
            $"{metric}{{job=\"apiserver\", namespace=\"default\", endpoint=\"https\", service=\"kubernetes\", instance=\"10.0.0.1:6443\", name=\"{webhook}\", "
                + $"type=\"validating\"{(error is null ? "" : $", error_type=\"{error}\", operation=\"CREATE\", rejection_code=\"0\"")}}}",
            values
        );

    private static Sample CertificateEnd(string values) =>
        Sample.Operator("shortener_certificate_not_after_timestamp_seconds", values, "certificate=\"webhook_serving\"");
}
