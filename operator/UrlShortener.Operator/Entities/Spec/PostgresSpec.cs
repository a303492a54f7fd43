using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The region's PostgreSQL, if the operator runs it.</summary>
[Rule("self.durability == 'Async' || self.instances >= 3", "durability Sync and Strict need at least 3 instances")]
[Rule("self.durability == 'Async' || self.syncNodeCount < self.instances", "syncNodeCount must be less than instances")]
[Rule("has(self.restore) == has(oldSelf.restore)", "restore cannot be added or removed; create a new ShortenerRegion instead")]
internal sealed record PostgresSpec
{
    /// <summary>Image with PostgreSQL and Patroni.</summary>
    [Description(
        "Image with PostgreSQL 15, 16 or 17 and Patroni 4.1 (config/images/postgres). A change replaces the members one at a time. The major version cannot change."
    )]
    [Required]
    [Length(1, 512)]
    [RegularExpression("^[a-zA-Z0-9][-a-zA-Z0-9._/:@]*$")]
    public string Image { get; init; } = "";

    /// <summary>Number of members: one primary, the others replicas.</summary>
    [Description(
        "Number of members: one primary, the others replicas. Lowering it removes the members with the highest numbers, one at a time; their volumes stay."
    )]
    [Range(1, 7)]
    public int Instances { get; init; } = 3;

    /// <summary>When a write is acknowledged; one of <see cref="Spec.Durability"/>.</summary>
    [Description(
        "When a write is acknowledged. Sync: when syncNodeCount replicas have stored it; while no replica is connected, when the primary alone has. Strict: never "
            + "by the primary alone, so that writes stop while no replica is connected. Async: when the primary has stored it; a failover may lose the last writes."
    )]
    [OneOf(Spec.Durability.Sync, Spec.Durability.Strict, Spec.Durability.Async)]
    public string Durability { get; init; } = Spec.Durability.Sync;

    /// <summary>Replicas that must have a write before it is acknowledged.</summary>
    [Description("Replicas that must have stored a write before it is acknowledged, with durability Sync or Strict: less than instances.")]
    [Range(1, 3)]
    public int SyncNodeCount { get; init; } = 1;

    /// <summary>Whether the operator starts an election when the primary is proven dead.</summary>
    [Description("true: when the primary is proven dead, the operator starts the election at once. false: the members wait until the primary's lock expires.")]
    public bool AssistedFailover { get; init; } = true;

    /// <summary>Whether the primary continues while the API server does not answer.</summary>
    [Description("true: while the API server does not answer, the primary continues if it reaches all members. false: it stops accepting writes.")]
    public bool FailsafeMode { get; init; } = true;

    /// <summary>Timing of the election.</summary>
    [Description("Timing of the election.")]
    public PatroniSpec Patroni { get; init; } = new();

    /// <summary>What happens to a replica that cannot follow the primary; one of <see cref="RejoinPolicy"/>.</summary>
    [Description(
        "What happens to a replica that has received nothing for 3 minutes, or has been starting for 10, such as a former primary that cannot be rewound. Automatic: the operator deletes its data "
            + "and copies the primary, while all other members serve. Manual: a condition says so. The same holds for a standby region that needs more of the log than the primary "
            + "region keeps: a further member copies the primary region and then leads, and the others copy that one."
    )]
    [OneOf(RejoinPolicy.Automatic, RejoinPolicy.Manual)]
    public string Rejoin { get; init; } = RejoinPolicy.Automatic;

    /// <summary>The volume of each member.</summary>
    [Description("Volume of each member.")]
    [Required]
    public StorageSpec Storage { get; init; } = new();

    /// <summary>Parameters that the operator or Patroni sets, and those that would lose acknowledged writes or the log, as a list of CEL.</summary>
    public const string OwnedParameters =
        "'archive_cleanup_command','archive_command','archive_library','archive_mode','archive_timeout','cluster_name','config_file','data_directory',"
        + "'external_pid_file','fsync','full_page_writes','hba_file','hot_standby','ident_file','ignore_checksum_failure','listen_addresses','log_destination',"
        + "'logging_collector','max_replication_slots','max_wal_senders','password_encryption','port','primary_conninfo','primary_slot_name',"
        + "'promote_trigger_file','restore_command','synchronous_commit','synchronous_standby_names','wal_level','wal_log_hints','zero_damaged_pages'";

    /// <summary>Prefixes of such parameters, as a list of CEL.</summary>
    public const string OwnedPrefixes = "'recovery_','ssl','unix_socket_'";

    /// <summary>Parameters of PostgreSQL.</summary>
    [Description(
        "Parameters of PostgreSQL, such as shared_buffers: 256MB. PostgreSQL checks them before members get them. Those that need a restart cause one, member by "
            + "member. Those that the operator or Patroni sets are refused."
    )]
    [Length(0, 64)]
    [Each(1, 1024)]
    [Rule("self.all(key, key.matches('^[a-z_][a-z0-9_.]{0,62}$'))", "names of parameters have only lower-case letters, digits, '_' and '.'")]
    [Rule("self.all(key, !self[key].contains('\\n'))", "values of parameters have no line breaks")]
    [Rule($"self.all(key, !(key in [{OwnedParameters}]))", "a parameter is set by the operator or by Patroni")]
    [Rule(
        $"self.all(key, ![{OwnedPrefixes}].exists(prefix, key.startsWith(prefix)))",
        "parameters that start with recovery_, ssl or unix_socket_ are set by the operator"
    )]
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();

    /// <summary>Backups; null: none.</summary>
    [Description("Backups and the archive of the write-ahead log, by pgBackRest. If absent, nothing is backed up.")]
    public BackupSpec? Backup { get; init; }

    /// <summary>The backup from which the database begins; null: it begins empty.</summary>
    [Description("Backup from which a new PostgreSQL begins. It has no effect on one that exists. If absent, the database begins empty.")]
    public RestoreSpec? Restore { get; init; }

    /// <summary>How other regions of the group reach the primary; null: by the Service in the cluster.</summary>
    [Description(
        "Name and port by which PostgreSQL of other regions of the group reaches the primary member of this one, such as those of a load balancer in front of the Service "
            + "NAME-postgres-rw. If absent, they use the name of that Service in the cluster."
    )]
    public ReplicationEndpointSpec? ReplicationEndpoint { get; init; }

    /// <summary>Other namespaces whose regions may have the same database.</summary>
    [Description(
        "Other namespaces whose regions of the same group may copy this database and follow it, and be followed. Both sides must name each other. Who may read "
            + "Secrets there becomes superuser of this PostgreSQL. Regions of the same namespace need not be named."
    )]
    [Length(0, 8)]
    [Each(1, 63, Pattern = Patterns.DnsLabel)]
    [ListSet]
    public IReadOnlyList<string> TrustedNamespaces { get; init; } = [];

    /// <summary>CPU and memory of a member.</summary>
    [Description("CPU and memory of each member. A change replaces the members one at a time.")]
    public ResourcesSpec Resources { get; init; } = ResourcesSpec.Of(cpu: "500m", memory: "1Gi", memoryLimit: "1Gi");

    /// <summary>Labels of the nodes that may run members.</summary>
    [Description(
        "Labels that a node must have to run a member. A change replaces the members one at a time. A member whose volume is bound to a node without them cannot start."
    )]
    [Length(0, 16)]
    [Each(0, 63, Pattern = Patterns.LabelValue)]
    public IReadOnlyDictionary<string, string> NodeSelector { get; init; } = new Dictionary<string, string>();

    /// <summary>Node taints that members tolerate.</summary>
    [Description("Node taints that the members tolerate. A change replaces the members one at a time.")]
    [Length(0, 16)]
    public IReadOnlyList<Toleration> Tolerations { get; init; } = [];

    /// <summary>Null: the cluster's default.</summary>
    [Description("PriorityClass of the members. If absent: the cluster's default. A change replaces the members one at a time.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string? PriorityClassName { get; init; }
}

/// <summary>Values of <see cref="PostgresSpec.Rejoin"/>.</summary>
internal static class RejoinPolicy
{
    /// <summary>The operator copies the primary anew.</summary>
    public const string Automatic = nameof(Automatic);

    /// <summary>A condition says so.</summary>
    public const string Manual = nameof(Manual);
}

/// <summary>How other regions reach the primary member.</summary>
internal sealed record ReplicationEndpointSpec
{
    /// <summary>The name.</summary>
    [Description("DNS name or address.")]
    [Required]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string Host { get; init; } = "";

    /// <summary>The port.</summary>
    [Description("Port.")]
    [Range(1, 65535)]
    public int Port { get; init; } = 5432;
}
