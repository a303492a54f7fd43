using UrlShortener.Operator.Redis.Protocol;

namespace UrlShortener.Operator.Redis.Cluster;

/// <summary>What the node in a pod says about itself and its cluster.</summary>
internal sealed record NodeView
{
    /// <summary>Name of the pod.</summary>
    public required string Pod { get; init; }

    /// <summary>How far the question got.</summary>
    public required RedisReach Reach { get; init; }

    /// <summary>Whether the node reads its data from disk, and does not serve yet.</summary>
    public bool IsLoading { get; init; }

    /// <summary>Whether the node refuses every password that the operator has.</summary>
    public bool RefusesPassword { get; init; }

    /// <summary>Why the node did not answer in full; null: it did.</summary>
    public string? Error { get; init; }

    /// <summary>The members that it knows; empty: it did not say.</summary>
    public IReadOnlyList<ClusterMember> Members { get; init; } = [];

    /// <summary>Whether it says that the cluster works.</summary>
    public bool IsStateOk { get; init; }

    /// <summary>The epoch of the cluster that it knows.</summary>
    public long CurrentEpoch { get; init; }

    /// <summary>Address of its master; empty: it has none.</summary>
    public string MasterHost { get; init; } = "";

    /// <summary>Whether the link to its master is up.</summary>
    public bool IsLinkUp { get; init; }

    /// <summary>Whether it copies the data of its master.</summary>
    public bool IsSyncing { get; init; }

    /// <summary>Seconds since the link to its master broke; null: it is up; negative: it has never been up since the node started.</summary>
    public long? LinkDownSeconds { get; init; }

    /// <summary>Position in the stream of changes.</summary>
    public long Offset { get; init; }

    /// <summary>Number of keys.</summary>
    public long Keys { get; init; }

    /// <summary>Whether the last write of its append-only file failed.</summary>
    public bool FailsToPersist { get; init; }

    /// <summary>Settings that the operator may change while the node runs.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether it answered in full.</summary>
    public bool Answers => Self is not null;

    /// <summary>Its own line; null: it did not answer.</summary>
    public ClusterMember? Self => Members.FirstOrDefault(member => member.IsSelf);

    /// <summary>Its identity; null: it did not answer.</summary>
    public string? Id => Self?.Id;

    /// <summary>Whether it owns slots in its own eyes.</summary>
    public bool OwnsSlots => Self is { IsMaster: true, Slots.Count: > 0 };

    /// <summary>Whether it has neither data nor a place in a cluster.</summary>
    public bool IsBlank => Self is { MasterId: null, Slots.Count: 0 } && Keys == 0;

    /// <summary>What it knows of another node; null: nothing.</summary>
    public ClusterMember? Find(string id) => Members.FirstOrDefault(member => member.Id == id && !member.IsHandshake);

    /// <summary>The commands whose answers make a view.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Questions { get; } =
    [
        ["CLUSTER", "NODES"],
        ["CLUSTER", "INFO"],
        ["INFO", "replication", "persistence", "keyspace"],
        ["CONFIG", "GET", "cluster-node-timeout", "maxmemory"],
    ];

    /// <summary>A view from the answers to <see cref="Questions"/>.</summary>
    public static NodeView Of(string pod, IReadOnlyList<RedisOutcome> outcomes)
    {
        var failed = outcomes.FirstOrDefault(outcome => !outcome.Succeeded);
        var members = failed is null ? ClusterMember.TryParseAll(outcomes[0].Text) : null;
        if (members is null)
            return new NodeView
            {
                Pod = pod,
                Reach = failed?.Reach ?? RedisReach.Broken,
                IsLoading = outcomes.Any(outcome => outcome.IsLoading),
                RefusesPassword = outcomes.Any(outcome => outcome.IsPasswordRefused),
                Error = failed?.Error ?? "CLUSTER NODES is not valid",
            };
        var (cluster, info) = (new InfoText(outcomes[1].Text), new InfoText(outcomes[2].Text));
        return new NodeView
        {
            Pod = pod,
            Reach = RedisReach.Answered,
            Members = members,
            IsStateOk = cluster["cluster_state"] == "ok",
            CurrentEpoch = cluster.NumberOf("cluster_current_epoch") ?? 0,
            MasterHost = info["master_host"],
            IsLinkUp = info["master_link_status"] == "up",
            IsSyncing = info["master_sync_in_progress"] == "1",
            LinkDownSeconds = info.NumberOf("master_link_down_since_seconds"),
            Offset = info.NumberOf("slave_repl_offset") ?? info.NumberOf("master_repl_offset") ?? 0,
            Keys = KeysOf(info["db0"]),
            FailsToPersist = info["aof_last_write_status"] == "err",
            Settings = PairsOf(outcomes[3].Reply!.Items),
        };
    }

    private static Dictionary<string, string> PairsOf(IReadOnlyList<RespReply> items) =>
        items.Chunk(2).Where(pair => pair.Length == 2).DistinctBy(pair => pair[0].Text).ToDictionary(pair => pair[0].Text, pair => pair[1].Text);

    // keys=2,expires=0,avg_ttl=0. Clusters have database 0 alone.
    private static long KeysOf(string database) =>
        database.StartsWith("keys=", StringComparison.Ordinal) && long.TryParse(database[5..].Split(',')[0], out var keys) ? keys : 0;
}
