using System.Text.Json.Serialization;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// What a member answers about itself and its PostgreSQL (<c>GET /patroni</c>). Members and fields that the operator does not know are ignored.
/// https://patroni.readthedocs.io/en/latest/rest_api.html#monitoring-endpoint
/// </summary>
internal sealed record PatroniMember
{
    /// <summary>State of PostgreSQL, such as <c>running</c> or <c>starting</c>.</summary>
    [JsonPropertyName("state")]
    public string? State { get; init; }

    /// <summary><c>primary</c>, <c>replica</c> or <c>standby_leader</c>.</summary>
    [JsonPropertyName("role")]
    public string? Role { get; init; }

    /// <summary>PostgreSQL's version as a number, such as 170002.</summary>
    [JsonPropertyName("server_version")]
    public int? ServerVersion { get; init; }

    /// <summary>The timeline that it writes or follows.</summary>
    [JsonPropertyName("timeline")]
    public int? Timeline { get; init; }

    /// <summary>Identifier of the database cluster; of members with the same data the same.</summary>
    [JsonPropertyName("database_system_identifier")]
    public string? SystemIdentifier { get; init; }

    /// <summary>Positions in the write-ahead log.</summary>
    [JsonPropertyName("xlog")]
    public PatroniPosition? Position { get; init; }

    /// <summary>Of a replica: <c>streaming</c>, or <c>in archive recovery</c>; null: it receives nothing.</summary>
    [JsonPropertyName("replication_state")]
    public string? ReplicationState { get; init; }

    /// <summary>Of a replica: where the log of the server that it receives from ended when that last told.</summary>
    [JsonPropertyName("latest_end_lsn")]
    public long? LatestEnd { get; init; }

    /// <summary>Of a primary: the replicas that are connected, as PostgreSQL sees them (<c>pg_stat_replication</c>).</summary>
    [JsonPropertyName("replication")]
    public IReadOnlyList<PatroniReplica>? Replication { get; init; }

    /// <summary>Whether a parameter has changed that needs a restart.</summary>
    [JsonPropertyName("pending_restart")]
    public bool PendingRestart { get; init; }

    /// <summary>The parameters of <see cref="PendingRestart"/>; null: none, or not known.</summary>
    [JsonPropertyName("pending_restart_reason")]
    public IReadOnlyDictionary<string, PatroniChange>? PendingReasons { get; init; }

    /// <summary>Whether an administrator has paused the elections.</summary>
    [JsonPropertyName("pause")]
    public bool Paused { get; init; }

    /// <summary>Whether nobody holds the lock, as this member sees it.</summary>
    [JsonPropertyName("cluster_unlocked")]
    public bool Unlocked { get; init; }

    /// <summary>Whether a primary that does not reach the API server goes on, because all members agree.</summary>
    [JsonPropertyName("failsafe_mode_is_active")]
    public bool InFailsafe { get; init; }

    /// <summary>Whether PostgreSQL runs and accepts writes.</summary>
    [JsonIgnore]
    public bool IsPrimary => this is { State: "running", Role: "primary" };

    /// <summary>Whether PostgreSQL runs and leads the members of a standby region: it follows the primary region, or tries to.</summary>
    [JsonIgnore]
    public bool IsStandbyLeader => this is { State: "running", Role: "standby_leader" };

    /// <summary>Up to where it has the write-ahead log; null: not known.</summary>
    [JsonIgnore]
    public long? End => Position?.Written ?? Position?.Received;

    /// <summary>Of a replica: up to where it has the write-ahead log, received or only applied, as Patroni counts in an election; null: not known.</summary>
    [JsonIgnore]
    public long? Reached => Position is { Received: { } received, Replayed: { } replayed } ? Math.Max(received, replayed) : null;

    /// <summary>Whether PostgreSQL runs as a replica and receives changes.</summary>
    [JsonIgnore]
    public bool IsStreaming => this is { State: "running" or "streaming", Role: "replica", ReplicationState: "streaming" };
}

/// <summary>A parameter that has changed and needs a restart.</summary>
internal sealed record PatroniChange
{
    /// <summary>Its value now.</summary>
    [JsonPropertyName("old_value")]
    public string? Old { get; init; }

    /// <summary>Its value after a restart.</summary>
    [JsonPropertyName("new_value")]
    public string? New { get; init; }
}

/// <summary>Positions of a member in the write-ahead log, in bytes.</summary>
internal sealed record PatroniPosition
{
    /// <summary>Of a primary: the position that it writes.</summary>
    [JsonPropertyName("location")]
    public long? Written { get; init; }

    /// <summary>Of a replica: up to where it has received changes.</summary>
    [JsonPropertyName("received_location")]
    public long? Received { get; init; }

    /// <summary>Of a replica: up to where it has applied changes.</summary>
    [JsonPropertyName("replayed_location")]
    public long? Replayed { get; init; }
}

/// <summary>A replica that is connected to a primary.</summary>
internal sealed record PatroniReplica
{
    /// <summary>Its name: that of its pod.</summary>
    [JsonPropertyName("application_name")]
    public string? Name { get; init; }

    /// <summary>Such as <c>streaming</c>.</summary>
    [JsonPropertyName("state")]
    public string? State { get; init; }

    /// <summary><c>sync</c>, <c>quorum</c>, <c>potential</c> or <c>async</c>.</summary>
    [JsonPropertyName("sync_state")]
    public string? SyncState { get; init; }
}
