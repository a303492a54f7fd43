namespace UrlShortener.Operator.Failover;

/// <summary>
/// What one operator knows of a group: the input of <see cref="FailoverDecision"/>. Times are those of its own monotonic clock, unless said otherwise.
/// </summary>
internal sealed record GroupView
{
    /// <summary>Names of the regions that the operator runs itself, so that it knows how they are now.</summary>
    public required IReadOnlySet<string> Own { get; init; }

    /// <summary>The topology record, known to be chosen.</summary>
    public required TopologyRecord Record { get; init; }

    /// <summary>When this operator first knew that the record's epoch and phase were chosen. Never earlier than they were.</summary>
    public required TimeSpan RecordSeen { get; init; }

    /// <summary>
    /// The highest epoch that a guard knows to be chosen. Above that of <see cref="Record"/>: the votes are older than what was decided, as after a restore, and
    /// give no right to anybody.
    /// </summary>
    public long GuardEpoch { get; init; }

    /// <summary>The regions, by name.</summary>
    public required IReadOnlyDictionary<string, RegionView> Regions { get; init; }

    /// <summary>The settings of the group.</summary>
    public required FailoverSettings Settings { get; init; }

    /// <summary>The region that a person asked for in this epoch; null: none.</summary>
    public string? Requested { get; init; }

    /// <summary>
    /// The region that a person wants to have the role in this epoch whatever is lost, and who knows that the former one does not write; null: none.
    /// </summary>
    public string? Forced { get; init; }

    /// <summary>The time.</summary>
    public required TimeSpan Now { get; init; }

    /// <summary>The time of day, for <see cref="MoveLimits"/> and what goes back by itself only.</summary>
    public required DateTimeOffset Clock { get; init; }
}

/// <summary>Settings of a group.</summary>
internal sealed record FailoverSettings
{
    /// <summary>Whether the operators move the write role by themselves.</summary>
    public bool IsAutomatic { get; init; } = true;

    /// <summary>How long most observers must find the primary region bad before its role moves.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most bytes of the log that a region may lack to get the role of one that is lost.</summary>
    public long MaxLagBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Whether a region that lacks more, or an unknown amount, may get it all the same.</summary>
    public bool AllowsDataLoss { get; init; }

    /// <summary>Limits of automatic moves.</summary>
    public MoveLimits Limits { get; init; } = new(TimeSpan.FromMinutes(30), 2);

    /// <summary>For how long the region that lost the role must have been healthy to get it back; null: it does not get it by itself.</summary>
    public TimeSpan? FailbackAfter { get; init; }

    /// <summary>Whether the role may go back at this time of day.</summary>
    public bool IsFailbackTime { get; init; } = true;
}

/// <summary>What one operator knows of a region.</summary>
internal sealed record RegionView
{
    /// <summary>Name of the region.</summary>
    public required string Name { get; init; }

    /// <summary>Order among candidates; the highest first.</summary>
    public int Priority { get; init; } = 50;

    /// <summary>Whether the region may get the write role: it follows the group's database, is not suspended, and was ready before.</summary>
    public bool IsCandidate { get; init; }

    /// <summary>Whether a guard runs beside each of its members.</summary>
    public bool IsGuarded { get; init; }

    /// <summary>Whether the region was deleted, with all that belonged to it.</summary>
    public bool IsGone { get; init; }

    /// <summary>Whether a person wants the region to have no role.</summary>
    public bool Drains { get; init; }

    /// <summary>What the observers think of it (<see cref="HealthHistory.Judge"/>).</summary>
    public Verdict Verdict { get; init; }

    /// <summary>Since when without interruption the verdict is bad; null: it is not.</summary>
    public TimeSpan? BadSince { get; init; }

    /// <summary>Since when without a failed probe the verdict is good; null: it is not, or a probe has failed.</summary>
    public TimeSpan? GoodSince { get; init; }

    /// <summary>Bytes of the primary region's log that it lacked when last known; null: unknown.</summary>
    public long? LagBytes { get; init; }

    /// <summary>Bytes of the log that it has received and not replayed yet; null: not known.</summary>
    public long? ReplayBytes { get; init; }

    /// <summary>The epoch in which all its members have said that they are read-only; null: not known.</summary>
    public long? FencedEpoch { get; init; }

    /// <summary>End of its log when it was fenced; null: not known.</summary>
    public ulong? FencedAt { get; init; }

    /// <summary>Position up to which it has replayed the log of the former primary region; null: not known.</summary>
    public ulong? Replayed { get; init; }

    /// <summary>The epoch in which it has said that it writes; null: not known.</summary>
    public long? WritesIn { get; init; }

    /// <summary>The highest epoch in which one of its guards says that its member may take writes; null: none says so.</summary>
    public long? WritableIn { get; init; }

    /// <summary>Whether its database is a primary, and no copy of another region's; null: not known.</summary>
    public bool? IsPrimaryDatabase { get; init; }
}
