using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// Patroni's configuration. The local part is a file that each member reads at its start; the dynamic part is one annotation for all members, which they follow
/// while they run. Both are JSON, which is YAML too. Pure.
/// </summary>
internal static class PatroniConfiguration
{
    /// <summary>Name of the file of the local part.</summary>
    public const string FileName = "patroni.yaml";

    // Maps the certificate of the members to their roles in PostgreSQL.
    private const string Map = "members";

    // Maps the user of the image, who may be superuser, to the roles of the app.
    private const string OwnUser = "app";

    private const decimal Mebibyte = 1024 * 1024;

    // Bytes that a standby may lag and still take over.
    private const int MaxLag = 1_048_576;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The local part, the same for all members; what differs is in environment variables.</summary>
    /// <param name="region">The region.</param>
    /// <param name="place">Its place in the group.</param>
    public static string BuildLocal(V1Alpha1ShortenerRegion region, GroupPlace place)
    {
        var labels = new JsonObject();
        foreach (
            var (name, value) in Labels
                .Of(region.Metadata.Name, PostgresNames.Component, region.Spec.Region)
                .OrderBy(label => label.Key, StringComparer.Ordinal)
        )
            labels[name] = value;
        var file = new JsonObject
        {
            ["scope"] = PostgresNames.ScopeOf(region),
            ["kubernetes"] = new JsonObject
            {
                ["labels"] = labels,
                ["scope_label"] = PostgresNames.ScopeLabel,
                ["role_label"] = PostgresNames.RoleLabel,
                ["leader_label_value"] = PostgresNames.Primary,
                ["follower_label_value"] = PostgresNames.Replica,
                ["standby_leader_label_value"] = "standby-leader",
                // The Endpoints API is deprecated.
                ["use_endpoints"] = false,
            },
            ["restapi"] = new JsonObject
            {
                ["certfile"] = CertificateFile(CertificateData.ServingCertificate),
                ["keyfile"] = CertificateFile(CertificateData.ServingKey),
                ["cafile"] = CertificateFile(CertificateData.Bundle),
                // Everybody may read, as probes do; commands need a certificate.
                ["verify_client"] = "optional",
            },
            ["ctl"] = new JsonObject
            {
                ["certfile"] = CertificateFile(CertificateData.ServingCertificate),
                ["keyfile"] = CertificateFile(CertificateData.ServingKey),
                ["cacert"] = CertificateFile(CertificateData.Bundle),
            },
            ["postgresql"] = new JsonObject
            {
                ["data_dir"] = $"{PostgresNames.DataFolder}/{PostgresNames.DataSubfolder}",
                ["pgpass"] = "/tmp/pgpass",
                ["use_unix_socket"] = true,
                ["parameters"] = new JsonObject { ["unix_socket_directories"] = PostgresNames.SocketFolder },
                ["authentication"] = new JsonObject
                {
                    ["superuser"] = Credentials(PostgresNames.Superuser),
                    ["replication"] = Credentials(PostgresNames.Replicator),
                },
                ["basebackup"] = new JsonObject { ["checkpoint"] = "fast" },
            },
        };
        PostgresArchiving.AddCallbacks(region, file["postgresql"]!.AsObject());
        // A member with an empty volume begins a database if Patroni's ConfigMaps know of none. Once there is one, it waits for a primary to copy instead, also if
        // somebody deletes these ConfigMaps.
        if (place.Source is not null)
            // With this section Patroni copies the primary region, also if these ConfigMaps are gone; without instructions for a new database it cannot begin one.
            file["bootstrap"] = new JsonObject { ["dcs"] = BuildDynamic(region, place) };
        else if (region.Status?.Postgres?.SystemIdentifier is null)
            file["bootstrap"] = BuildBootstrap(region, place);
        return file.ToJsonString(Indented);
    }

    private static JsonObject BuildBootstrap(V1Alpha1ShortenerRegion region, GroupPlace place) =>
        new()
        {
            ["dcs"] = BuildDynamic(region, place),
            ["initdb"] = new JsonArray(
                new JsonObject { ["encoding"] = "UTF8" },
                new JsonObject { ["locale"] = "C.UTF-8" },
                "data-checksums",
                new JsonObject { ["auth-local"] = "peer" },
                new JsonObject { ["auth-host"] = "scram-sha-256" }
            ),
        };

    /// <summary>The dynamic part.</summary>
    /// <param name="region">The region.</param>
    /// <param name="place">Its place in the group.</param>
    /// <param name="live">What the members have now; null: nothing, or it is not known.</param>
    /// <param name="reseeds">Whether members of a standby region that are made anew copy the primary region, instead of one of their own.</param>
    public static JsonObject BuildDynamic(V1Alpha1ShortenerRegion region, GroupPlace place, JsonObject? live = null, bool reseeds = false)
    {
        var spec = region.Spec.Postgres!;
        var dynamic = new JsonObject
        {
            ["ttl"] = spec.Patroni.Ttl,
            ["loop_wait"] = spec.Patroni.LoopWait,
            ["retry_timeout"] = spec.Patroni.RetryTimeout,
            ["primary_start_timeout"] = spec.Patroni.PrimaryStartTimeout,
            // A synchronous primary that does not stop in time is killed, so that its role can move.
            ["primary_stop_timeout"] = 10,
            ["maximum_lag_on_failover"] = MaxLag,
            ["check_timeline"] = true,
            ["failsafe_mode"] = spec.FailsafeMode,
            ["max_timelines_history"] = 100,
            ["synchronous_mode"] = spec.Durability == Durability.Async ? "off" : "quorum",
            ["synchronous_mode_strict"] = spec.Durability == Durability.Strict,
            ["synchronous_node_count"] = spec.SyncNodeCount,
            ["postgresql"] = new JsonObject
            {
                ["use_pg_rewind"] = true,
                ["use_slots"] = true,
                // Patroni compares positions of the log, also those of different timelines (config/images/postgres/promote.py). An older image lacks the program.
                ["pre_promote"] = "/bin/sh -c 'if [ -x /usr/local/bin/shortener-promote ]; then exec /usr/local/bin/shortener-promote; fi'",
                ["parameters"] = BuildParameters(spec.Storage.Size),
                ["pg_hba"] = new JsonArray(
                    $"local all {PostgresNames.Superuser} peer",
                    // The write guard writes the app's table as the app, and has no password.
                    $"local {PostgresNames.Database} {AppCredentials.First},{AppCredentials.Second} peer map={OwnUser}",
                    "local all all scram-sha-256",
                    $"hostssl replication {PostgresNames.Replicator} all cert map={Map}",
                    $"hostssl all {PostgresNames.Superuser} all cert map={Map}",
                    "hostssl all all all scram-sha-256"
                ),
                // Members of other regions copy and follow the primary as the replicator, and are rewound as the superuser.
                ["pg_ident"] = new JsonArray([
                    .. place.Peers.Prepend(region).SelectMany(BuildMap),
                    $"{OwnUser} {PostgresNames.Superuser} {AppCredentials.First}",
                    $"{OwnUser} {PostgresNames.Superuser} {AppCredentials.Second}",
                ]),
            },
        };
        if (place.Source is { } source)
        {
            dynamic["standby_cluster"] = BuildStandby(region, source, reseeds ? RegionCopy.Method : "basebackup");
            if (reseeds)
                dynamic["postgresql"]![RegionCopy.Method] = BuildCopy(source);
        }
        else if (place.IsSource && place.Peers.Count > 0)
            dynamic["slots"] = new JsonObject(
                place.Peers.Select(peer => KeyValuePair.Create(GroupPlace.SlotOf(peer), (JsonNode?)new JsonObject { ["type"] = "physical" }))
            );
        if (place.Keeps)
        {
            foreach (var section in new[] { "standby_cluster", "slots" })
            {
                if (live?[section] is { } kept)
                    dynamic[section] = kept.DeepClone();
            }
        }

        PostgresArchiving.AddParameters(region, dynamic["postgresql"]!["parameters"]!.AsObject());
        return dynamic;
    }

    private static JsonNode[] BuildMap(V1Alpha1ShortenerRegion region)
    {
        var name = CertificateIssuer.CommonNameOf(PostgresNames.CertificateNamesOf(region));
        return [$"{Map} \"{name}\" {PostgresNames.Superuser}", $"{Map} \"{name}\" {PostgresNames.Replicator}"];
    }

    // Synchronous replication stays configured: Patroni ignores it until the region becomes the primary.
    private static JsonObject BuildStandby(V1Alpha1ShortenerRegion region, V1Alpha1ShortenerRegion source, string method)
    {
        var (host, port) = PostgresNames.ReplicationEndpointOf(source);
        return new JsonObject
        {
            ["host"] = host,
            ["port"] = port,
            ["primary_slot_name"] = GroupPlace.SlotOf(region),
            ["create_replica_methods"] = new JsonArray(method),
        };
    }

    // Patroni itself copies a member of its own wherever there is one. https://patroni.readthedocs.io/en/latest/replica_bootstrap.html#building-replicas
    private static JsonObject BuildCopy(V1Alpha1ShortenerRegion source)
    {
        var (host, port) = PostgresNames.ReplicationEndpointOf(source);
        return new JsonObject
        {
            ["command"] = "pg_basebackup",
            ["no_leader"] = true,
            ["no_params"] = true,
            ["pgdata"] = $"{PostgresNames.DataFolder}/{PostgresNames.DataSubfolder}",
            ["wal-method"] = "stream",
            ["checkpoint"] = "fast",
            ["dbname"] = string.Create(
                CultureInfo.InvariantCulture,
                $"host={host} port={port} user={PostgresNames.Replicator} connect_timeout=10 {string.Join(' ', Credentials(PostgresNames.Replicator).Where(setting => setting.Key != "username").Select(setting => $"{setting.Key}={setting.Value}"))}"
            ),
        };
    }

    // The log must leave room for the data, however large the volume is: a full one ends PostgreSQL, and the next primary would have as much of it.
    private static string PartOf(ResourceQuantity size, int divisor, int least, int most) =>
        string.Create(CultureInfo.InvariantCulture, $"{(int)Math.Clamp(size.ToDecimal() / divisor / Mebibyte, least, most)}MB");

    private static JsonObject BuildParameters(ResourceQuantity size) =>
        new()
        {
            ["ssl"] = "on",
            ["ssl_cert_file"] = CertificateFile(CertificateData.ServingCertificate),
            ["ssl_key_file"] = CertificateFile(CertificateData.ServingKey),
            ["ssl_ca_file"] = CertificateFile(CertificateData.Bundle),
            ["ssl_min_protocol_version"] = "TLSv1.2",
            ["password_encryption"] = "scram-sha-256",
            ["max_connections"] = 300,
            ["wal_log_hints"] = "on",
            ["wal_level"] = "replica",
            ["max_wal_senders"] = 10,
            ["max_replication_slots"] = 10,
            // A replica that is away longer than this must be copied anew; without the limit it would fill the primary's disk.
            ["max_slot_wal_keep_size"] = PartOf(size, 4, 128, 8192),
            ["wal_keep_size"] = PartOf(size, 20, 64, 512),
            ["max_wal_size"] = PartOf(size, 10, 96, 1024),
            ["wal_sender_timeout"] = "5s",
            ["wal_receiver_timeout"] = "5s",
            // The default of 5 s delays every failover by as much.
            ["wal_retrieve_retry_interval"] = "500ms",
            ["tcp_keepalives_idle"] = 5,
            ["tcp_keepalives_interval"] = 2,
            ["tcp_keepalives_count"] = 3,
            ["hot_standby_feedback"] = "off",
            ["log_checkpoints"] = "on",
            ["log_line_prefix"] = "%m [%p] %u@%d ",
        };

    private static JsonObject Credentials(string role) =>
        new()
        {
            ["username"] = role,
            ["sslmode"] = "verify-ca",
            ["sslrootcert"] = CertificateFile(CertificateData.Bundle),
            ["sslcert"] = CertificateFile(CertificateData.ServingCertificate),
            ["sslkey"] = CertificateFile(CertificateData.ServingKey),
        };

    private static string CertificateFile(string name) => $"{PostgresNames.CertificateFolder}/{name}";
}
