using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A highly available PostgreSQL that the operator runs.</summary>
[Rule("self.durability == 'Async' || self.instances >= 3", "durability Sync and Strict need 3 instances or more")]
[Rule("self.syncNodeCount < self.instances", "syncNodeCount must be below instances")]
internal sealed record PostgresSpec
{
    /// <summary>Servers, the primary among them.</summary>
    [Description("Servers, the primary among them. 3 or more unless durability is Async.")]
    [Range(1, 7)]
    public int Instances { get; init; } = 3;

    /// <summary>What an acknowledged write survives.</summary>
    [Description("Sync: an acknowledged write survives the loss of the primary; when no standby is left, writes go on alone. "
        + "Strict: writes wait until a standby is back. Async: the last writes may be lost with the primary.")]
    public PostgresDurability Durability { get; init; } = PostgresDurability.Sync;

    /// <summary>Standbys that each write waits for.</summary>
    [Description("Standbys that every write waits for. Below instances.")]
    [Range(1, 3)]
    public int SyncNodeCount { get; init; } = 1;

    /// <summary>Time limits of failovers.</summary>
    [Description("Time limits of Patroni, which elects the primary.")]
    public PatroniSpec Patroni { get; init; } = new();

    /// <summary>Whether the operator frees the leader lock on proof of death.</summary>
    [Description("Whether the operator frees the lock of a leader that is proven dead, instead of waiting for its time to live.")]
    public bool AssistedFailover { get; init; } = true;

    /// <summary>Whether a primary goes on while the Kubernetes API is away.</summary>
    [Description("Whether a primary goes on while the Kubernetes API is away, as long as it reaches all its standbys.")]
    public bool FailsafeMode { get; init; } = true;

    /// <summary>How a former primary comes back.</summary>
    [Description("How a server whose data went apart comes back. Rewind: its surplus is undone. RewindThenReclone: when that fails it is copied anew. Manual: it waits for a person.")]
    [OneOf("Rewind", "RewindThenReclone", "Manual")]
    public string RejoinPolicy { get; init; } = "Rewind";

    /// <summary>Disks of one server.</summary>
    [Description("Disks of each server.")]
    public PostgresStorageSpec Storage { get; init; } = new();

    /// <summary>Most log kept for a consumer that is away.</summary>
    [Description("Most write-ahead log that is kept for a region that is away. Past it that region is copied anew when it returns.")]
    public ResourceQuantity MaxSlotWalKeep { get; init; } = new("8Gi");

    /// <summary>Null while the group has one region.</summary>
    [Description("Where other regions reach the primary of this one. Needed as soon as the group has more than one region.")]
    public ReplicationEndpoint? ReplicationEndpoint { get; init; }

    /// <summary>Further parameters of the server.</summary>
    [Description("Parameters of PostgreSQL, by name, such as work_mem: 16MB. Those that Patroni sets itself are refused.")]
    [Length(0, 64)]
    [Each(0, 1024)]
    [Rule("['listen_addresses', 'port', 'cluster_name', 'hot_standby', 'synchronous_standby_names', 'primary_conninfo', 'primary_slot_name', 'wal_log_hints'].all(name, !(name in self))",
        "listen_addresses, port, cluster_name, hot_standby, synchronous_standby_names, primary_conninfo, primary_slot_name and wal_log_hints are set by Patroni")]
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();

    /// <summary>Null: none are made.</summary>
    [Description("Backups. Absent: none are made.")]
    public BackupSpec? Backup { get; init; }
}
