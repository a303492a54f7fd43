using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>What the controller remembers of a region's PostgreSQL between reconciles. Lost at its restart, without harm.</summary>
internal sealed record PostgresMemory
{
    /// <summary>Nothing is remembered.</summary>
    public static readonly PostgresMemory None = new();

    /// <summary>TLS to the members; null: not known yet.</summary>
    public MemberConnections? Connections { get; init; }

    /// <summary>
    /// Until when members read their files again and again, because the certificates have changed and nodes take a minute or two to pass a changed Secret on.
    /// </summary>
    public DateTimeOffset ReloadsUntil { get; init; }

    /// <summary>When they last did.</summary>
    public DateTimeOffset ReloadedAt { get; init; }

    /// <summary>The last primary that accepted writes; null: none was seen.</summary>
    public string? Primary { get; init; }

    /// <summary>Its process; null: not known.</summary>
    public RunningProcess? Process { get; init; }

    /// <summary>Since when no primary has accepted writes; null: one does, or none ever did.</summary>
    public DateTimeOffset? LostSince { get; init; }

    /// <summary>Why the election that is under way was started; null: the members elect by themselves, or there is none.</summary>
    public string? AssistedBecause { get; init; }

    /// <summary>The member that may be promoted by the votes, since they were first counted so; null: none.</summary>
    public VoteWait? Vote { get; init; }

    /// <summary>When the operator last asked Patroni for that promotion.</summary>
    public DateTimeOffset VotedAt { get; init; }

    /// <summary>A failover that neither the status nor an event tells yet; null: none.</summary>
    public PostgresFailover? Untold { get; init; }

    /// <summary>A move of the primary role that the operator asked for and that has not ended; null: none.</summary>
    public PlannedSwitchover? Switchover { get; init; }

    /// <summary>When the operator may ask again, after a move that did not happen; null: at any time.</summary>
    public DateTimeOffset? SwitchoverNotBefore { get; init; }

    /// <summary>What is wrong with Patroni's record of the synchronous replicas; null: nothing.</summary>
    public SynchronyContradiction? Contradiction { get; init; }

    /// <summary>What PostgreSQL says to the parameters of the specification; null: not known, or there are none.</summary>
    public ParameterReview? Review { get; init; }

    /// <summary>When the members last got another dynamic configuration; null: not by this process.</summary>
    public DateTimeOffset? ConfiguredAt { get; init; }

    /// <summary>Since when a rollout waits; null: it does not.</summary>
    public DateTimeOffset? BlockedSince { get; init; }

    /// <summary>Replicas that answer and receive nothing.</summary>
    public IReadOnlyDictionary<string, MemberAbsence> Away { get; init; } = new Dictionary<string, MemberAbsence>();

    /// <summary>In a standby region: that the primary region no longer has what it lacks; null: it has.</summary>
    public RegionAbsence? Behind { get; init; }

    /// <summary>When a member was last copied anew by the operator.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> RebuiltAt { get; init; } = new Dictionary<string, DateTimeOffset>();

    /// <summary>When PostgreSQL of a member was last restarted by the operator.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> RestartedAt { get; init; } = new Dictionary<string, DateTimeOffset>();

    /// <summary>Digest of the state in which nothing was left of a former password of the app.</summary>
    public string? Retired { get; init; }

    /// <summary>What the end of the former password waits for; null: not known.</summary>
    public string? RetirementWaits { get; init; }

    /// <summary>When the members were last asked for connections with the former password.</summary>
    public DateTimeOffset RetirementAskedAt { get; init; }

    /// <summary>In a standby region: that it receives nothing; null: it does, or is none.</summary>
    public StandbyWait? Waits { get; init; }

    /// <summary>In a standby region: the app's role in its Secrets; null: not known.</summary>
    public string? AdoptedRole { get; init; }

    /// <summary>In a standby region: the role that its app uses, and no other; null: not known.</summary>
    public string? AppRole { get; init; }

    /// <summary>Digest of what the app's role, database and connection were last created from.</summary>
    public string? Provisioned { get; init; }
}

/// <summary>A move of the primary role that the operator has asked for.</summary>
/// <param name="From">The primary.</param>
/// <param name="To">The next one.</param>
/// <param name="At">When the operator asked.</param>
internal sealed record PlannedSwitchover(string From, string To, DateTimeOffset At)
{
    /// <summary>How long the members may take. Later the move counts as one that did not happen.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(45);

    /// <summary>Pause before the operator asks again.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);
}
