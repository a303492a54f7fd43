namespace UrlShortener.Operator.Failover;

/// <summary>
/// The next record of a group, or why there is none. Every operator computes it all the time from what it knows; it does not matter which one acts, or whether
/// several do, because a change is proposed only for the very record that it was computed from (<see cref="AgreementRound"/>). Pure.
/// </summary>
/// <param name="Next">The record to propose; null: none.</param>
/// <param name="Waits">Why nothing is proposed although something is amiss; null: nothing is.</param>
internal sealed record FailoverDecision(TopologyRecord? Next, string? Waits = null)
{
    /// <summary>How long a fenced region that still answers may send the rest of its log before the next one writes without it.</summary>
    public static readonly TimeSpan CatchUpLimit = TimeSpan.FromSeconds(10);

    /// <summary>How long a planned move may take until the former primary region gets its role back.</summary>
    public static readonly TimeSpan PlannedLimit = TimeSpan.FromSeconds(15);

    /// <summary>How long a region that is drained keeps its role after a move that could not be finished: each attempt stops the writes.</summary>
    public static readonly TimeSpan PlannedPause = TimeSpan.FromMinutes(10);

    private static readonly FailoverDecision Nothing = new(null, null);

    /// <summary>Computes the decision.</summary>
    /// <param name="view">What the operator knows.</param>
    public static FailoverDecision Of(GroupView view) => view.GuardEpoch > view.Record.Epoch ? OfRestored(view) : OfPhase(view);

    private static FailoverDecision OfPhase(GroupView view) =>
        view.Record.Phase switch
        {
            TopologyPhase.Stable => OfStable(view),
            TopologyPhase.Fencing => OfFencing(view),
            TopologyPhase.Promoting => OfPromoting(view),
            _ => throw new InvalidOperationException($"Phase {view.Record.Phase} is not known."),
        };

    // The votes are older than what was decided. No guard obeys them, and what they say of the role may be wrong: the databases know better. A decision above all
    // that the guards know gives the role to the region that has it.
    private static FailoverDecision OfRestored(GroupView view)
    {
        if (FindForced(view) is { } forced)
            return new FailoverDecision(Fence(view, forced.Name, isPlanned: false, $"A person forced region {forced.Name} to be the primary."));
        return FindWriter(view) is { } writer
            ? new FailoverDecision(
                view.Record with
                {
                    Epoch = view.GuardEpoch + 1,
                    Phase = TopologyPhase.Promoting,
                    Region = writer.Name,
                    Former = null,
                    // Where the role was to go back to in an earlier epoch may have been decided anew since.
                    Home = null,
                    IsPlanned = false,
                    IsGuarded = writer.IsGuarded,
                    MovedAt = 0,
                    TookMillis = null,
                    Reason = $"The votes were those of epoch {view.Record.Epoch}, and the guards knew epoch {view.GuardEpoch}.",
                }
            )
            : new FailoverDecision(
                null,
                $"The votes are those of epoch {view.Record.Epoch}, as after a restore, and guards know epoch {view.GuardEpoch}. No region is known to be the only one "
                    + "that writes. See docs/roles.md, \"After a restore of the objects\"."
            );
    }

    // The one whose right is of the latest decision; if nobody has a right any more, the only one whose database is no copy.
    private static RegionView? FindWriter(GroupView view)
    {
        var writable = view.Regions.Values.Where(region => region.WritableIn is not null).ToList();
        if (writable.Where(region => region.WritableIn == view.GuardEpoch).ToList() is [{ } latest])
            return latest;
        return
            writable.Count == 0
            && view.Regions.Values.All(region => region.IsPrimaryDatabase is not null)
            && view.Regions.Values.Where(region => region.IsPrimaryDatabase == true).ToList() is [{ } only]
            ? only
            : null;
    }

    private static FailoverDecision OfStable(GroupView view)
    {
        var record = view.Record;
        var primary = view.Regions.GetValueOrDefault(record.Region);
        if (FindForced(view) is { } forced)
            return new FailoverDecision(Fence(view, forced.Name, isPlanned: false, $"A person forced region {forced.Name} to be the primary."));
        if (primary is { IsGone: true })
            return LeaveGone(view);
        if (IsLost(view, primary) && Leave(view, primary) is { } leave && (leave.Next is not null || view.Requested is null))
            return leave;
        // Only its own operator knows whether the guards still run; others may know what was true before.
        if (view.Own.Contains(record.Region) && primary is { IsGuarded: var isGuarded } && isGuarded != record.IsGuarded)
            return new FailoverDecision(record with { IsGuarded = isGuarded });
        var isDrained = primary is { Drains: true };
        var requested = view.Requested is { } name && name != record.Region ? view.Regions.GetValueOrDefault(name) : null;
        if (!isDrained && requested is null)
            return FindFailback(view, primary) is { } back
                ? new FailoverDecision(Fence(view, back.Name, isPlanned: true, $"Region {back.Name} is healthy again.") with { Home = record.Home })
                : Nothing;
        if (primary is not { Verdict: Verdict.Good })
            return requested is null ? new FailoverDecision(null, $"Region {record.Region} is not healthy, so that a planned move could not be finished.")
                : IsEligible(view, requested, view.Settings.AllowsDataLoss)
                    ? new FailoverDecision(
                        Fence(view, requested.Name, isPlanned: false, $"A person asked for region {requested.Name}, and region {record.Region} is not healthy.")
                    )
                : new FailoverDecision(null, $"Region {requested.Name} is not healthy, or does not follow closely enough; see spec.failover.dataLossPolicy.");
        // Whoever asks for a region by its name asks once.
        if (requested is null && ReturnedAt(record) is { } returned && view.Clock >= returned && view.Clock < returned + PlannedPause)
            return new FailoverDecision(
                null,
                $"Region {record.Region} is drained, and a move of its role could not be finished. It is tried again at {returned + PlannedPause:u}."
            );
        var target = requested ?? FindCandidate(view, region => IsEligibleToPlan(view, region));
        return target is null || !IsEligibleToPlan(view, target)
            ? new FailoverDecision(null, "No other region is healthy and follows the primary region closely enough for a planned move.")
            : new FailoverDecision(
                Fence(
                    view,
                    target.Name,
                    isPlanned: true,
                    requested is null ? $"Region {record.Region} is drained." : $"A person asked for region {target.Name}."
                ) with
                {
                    Home = requested is null ? record.Home ?? record.Region : null,
                }
            );
    }

    private static FailoverDecision OfFencing(GroupView view)
    {
        var record = view.Record;
        var former = record.Former is { } name ? view.Regions.GetValueOrDefault(name) : null;
        var target = view.Regions.GetValueOrDefault(record.Region);
        var elapsed = view.Now - view.RecordSeen;
        var isAcknowledged = former is { FencedEpoch: { } fenced } && fenced == record.Epoch;
        var hasAll = isAcknowledged && former!.FencedAt is { } end && target?.Replayed >= end;
        if (hasAll && target!.Verdict != Verdict.Bad)
            return new FailoverDecision(Promote(record, target));

        // Nobody asked for the loss of a write: if the move cannot be finished and the former primary region is healthy, it goes on.
        var mayReturn = former is { Verdict: Verdict.Good };
        if (record.IsPlanned && mayReturn)
            return elapsed < PlannedLimit ? Nothing : new FailoverDecision(Return(record, former!));

        // The end of the lease proves nothing about a region without guards.
        var isForced = FindForced(view)?.Name == record.Region;
        var isFenced = isAcknowledged || isForced || (record.IsGuarded && elapsed >= WriteLease.Duration + WriteLease.Margin);
        if (!isFenced)
            return new FailoverDecision(
                null,
                record.IsGuarded
                    ? null
                    : $"Region {record.Former} has not said that it is read-only, and no guards end its write lease. Only a person can know that it does not write."
            );
        if (isAcknowledged && former is { FencedAt: not null } && target is { Verdict: not Verdict.Bad } && elapsed < CatchUpLimit)
            return Nothing;
        if (target is not null && (isForced || IsEligible(view, target, view.Settings.AllowsDataLoss)))
            return new FailoverDecision(Promote(record, target));
        if (FindCandidate(view, view.Settings.AllowsDataLoss) is { } other)
            return new FailoverDecision(record with { Region = other.Name });
        return mayReturn ? new FailoverDecision(Return(record, former!)) : new FailoverDecision(null, ReasonOfNone(view));
    }

    private static FailoverDecision OfPromoting(GroupView view)
    {
        var record = view.Record;
        var target = view.Regions.GetValueOrDefault(record.Region);
        if (target?.WritesIn == record.Epoch)
            return new FailoverDecision(
                record with
                {
                    Phase = TopologyPhase.Stable,
                    TookMillis = record.MovedAt > 0 ? Math.Max(view.Clock.ToUnixTimeMilliseconds() - record.MovedAt, 0) : null,
                }
            );
        if (FindForced(view) is { } forced)
            return new FailoverDecision(Fence(view, forced.Name, isPlanned: false, $"A person forced region {forced.Name} to be the primary."));
        if (target is { IsGone: true })
            return LeaveGone(view);
        return IsLost(view, target) ? Leave(view, target) : Nothing;
    }

    // Whoever deletes the primary region wants another one, whatever spec.failover says, and there is nothing left that could write.
    private static FailoverDecision LeaveGone(GroupView view) =>
        FindCandidate(view, view.Settings.AllowsDataLoss) is { } candidate
            ? new FailoverDecision(Fence(view, candidate.Name, isPlanned: false, $"Region {view.Record.Region} was deleted."))
            : new FailoverDecision(null, ReasonOfNone(view));

    // The region with the role is lost; whether another one may have it.
    private static FailoverDecision Leave(GroupView view, RegionView? lost)
    {
        var record = view.Record;
        if (!view.Settings.IsAutomatic)
            return new FailoverDecision(null, $"Region {record.Region} is not healthy, and spec.failover.mode does not let the operators move its role.");
        if (!record.IsGuarded)
            return new FailoverDecision(null, $"Region {record.Region} is not healthy, and no guards end its write lease.");
        if (record.Phase == TopologyPhase.Stable && view.Settings.Limits.NextAllowed(record.AutomaticMoves, view.Clock) is var next && view.Clock < next)
            return new FailoverDecision(null, $"Region {record.Region} is not healthy. The next automatic move is allowed at {next:u}.");
        if (FindCandidate(view, view.Settings.AllowsDataLoss) is not { } candidate)
            return new FailoverDecision(null, ReasonOfNone(view));
        return new FailoverDecision(
            Fence(view, candidate.Name, isPlanned: false, $"Region {record.Region} is lost.") with
            {
                AutomaticMoves = view.Settings.Limits.Add(record.AutomaticMoves, view.Clock),
                Home = record.Home ?? record.Region,
            }
        );
    }

    // Bad for long enough. Not the one whose operator nobody hears of: silence proves nothing, but neither do most observers know it to be good then.
    private static bool IsLost(GroupView view, RegionView? region) =>
        region is { Verdict: Verdict.Bad, BadSince: { } since } && view.Now - since >= view.Settings.Delay;

    // A failback stops writes for a moment. It must not follow anything else that did, its own failed attempt included, and must leave a move for the case that the
    // region is lost again.
    private static RegionView? FindFailback(GroupView view, RegionView? primary) =>
        view.Settings is { FailbackAfter: { } stable, IsFailbackTime: true }
        && primary is { Verdict: Verdict.Good }
        && view.Record.Home is { } home
        && home != view.Record.Region
        && view.Regions.GetValueOrDefault(home) is { GoodSince: { } since } region
        && IsEligibleToPlan(view, region)
        && view.Now - since >= stable
        && view.Clock - DateTimeOffset.FromUnixTimeMilliseconds(view.Record.MovedAt) >= stable
        && view.Clock >= view.Settings.Limits.NextAllowed(view.Record.AutomaticMoves, view.Clock)
            ? region
            : null;

    private static RegionView? FindCandidate(GroupView view, bool mayLose) => FindCandidate(view, region => IsEligible(view, region, mayLose));

    private static RegionView? FindCandidate(GroupView view, Func<RegionView, bool> isEligible) =>
        view
            .Regions.Values.Where(region => region.Name != view.Record.Region && region.Name != FormerOf(view) && isEligible(region))
            .OrderByDescending(region => region.Priority)
            .ThenBy(region => region.LagBytes ?? long.MaxValue)
            .ThenBy(region => region.Name, StringComparer.Ordinal)
            .FirstOrDefault();

    // While the role moves, the region that loses it is no candidate; later it is like any other.
    private static string? FormerOf(GroupView view) => view.Record.Phase == TopologyPhase.Fencing ? view.Record.Former : null;

    private static bool IsEligible(GroupView view, RegionView region, bool mayLose) =>
        region is { IsCandidate: true, Drains: false, Verdict: Verdict.Good } && (mayLose || region.LagBytes <= view.Settings.MaxLagBytes);

    // What a region has received it does not lose: PostgreSQL replays it before it takes writes. But a planned move is given up if that takes long, and nobody may
    // write meanwhile.
    private static bool IsEligibleToPlan(GroupView view, RegionView region) =>
        IsEligible(view, region, mayLose: false) && !(region.ReplayBytes > view.Settings.MaxLagBytes);

    private static string ReasonOfNone(GroupView view) =>
        view.Regions.Values.Any(region => region.Name != view.Record.Region && region.Verdict == Verdict.Good)
            ? "No healthy region follows closely enough to get the role; see spec.failover.dataLossPolicy."
            : "No region is healthy. All are left as they are.";

    // Whoever forces it takes what is lost upon himself; but a region that never had the data cannot have the role.
    private static RegionView? FindForced(GroupView view) =>
        view.Forced is { } name && (name != view.Record.Region || view.Record.Phase == TopologyPhase.Fencing || view.GuardEpoch > view.Record.Epoch)
            ? view.Regions.Values.FirstOrDefault(region => region.Name == name && region.IsCandidate)
            : null;

    private static TopologyRecord Fence(GroupView view, string target, bool isPlanned, string reason) =>
        view.Record with
        {
            Epoch = Math.Max(view.Record.Epoch, view.GuardEpoch) + 1,
            Phase = TopologyPhase.Fencing,
            Region = target,
            Former = view.Record.Region,
            Home = null,
            IsPlanned = isPlanned,
            MovedAt = view.Clock.ToUnixTimeMilliseconds(),
            TookMillis = null,
            Reason = reason,
        };

    private static TopologyRecord Promote(TopologyRecord record, RegionView target) =>
        record with
        {
            Phase = TopologyPhase.Promoting,
            Region = target.Name,
            IsGuarded = target.IsGuarded,
        };

    // When a planned move was decided that was given up; null: the last one was not (Return).
    private static DateTimeOffset? ReturnedAt(TopologyRecord record) =>
        record is { IsPlanned: true, Former: null, MovedAt: > 0 } ? DateTimeOffset.FromUnixTimeMilliseconds(record.MovedAt) : null;

    private static TopologyRecord Return(TopologyRecord record, RegionView former) =>
        Promote(record, former) with
        {
            Epoch = record.Epoch + 1,
            Former = null,
            Reason = $"The move to region {record.Region} could not be finished.",
        };
}
