using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Failover;

/// <summary>
/// Agrees with the other regions of a group on the one that writes: reads the votes, decides, proposes, and tells what was agreed on. The controllers of the
/// region and of its PostgreSQL act on what it tells.
/// </summary>
internal sealed class FailoverController(
    GroupObserver observer,
    VoterClient voters,
    Agreement agreement,
    Applier applier,
    ResourceClient client,
    EventRecorder events,
    TimeProvider time
) : IEntityController<V1Alpha1ShortenerRegion>
{
    private static readonly TimeSpan MovingInterval = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan RepairInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    // By UID of the region; removed with it.
    private readonly ConcurrentDictionary<string, FailoverMemory> _memory = new();

    // By identifier of the database: what the region that acts for the group found out, for all to tell.
    private readonly ConcurrentDictionary<string, Obstacle?> _waits = new();
    private readonly ConcurrentDictionary<string, (bool? Status, string Reason, string Message)?> _witnesses = new();
    private readonly StatusWriter _status = new(FailoverStatusRules.Part, client);
    private readonly long _start = time.GetTimestamp();

    private TimeSpan Now => time.GetElapsedTime(_start);

    /// <inheritdoc />
    public async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ReconcileAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        if (region.Spec.Postgres is null)
            return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region);
        region = _status.LatestOf(region);
        var group = observer.Observe(region);
        if (!group.Votes)
            return await ForgetAsync(region, cancellationToken);
        var database = region.Status?.Postgres?.SystemIdentifier ?? "";
        var memory = _memory.GetValueOrDefault(region.Metadata.Uid) ?? FailoverMemory.At(group);
        var began = Now;
        group = await observer.FindWitnessAsync(group, cancellationToken);
        // Before the votes, so that these have everything that the guards knew then.
        if (group.Acts)
            group = await observer.ReadRemoteAsync(group, cancellationToken);
        var reads = FarVotes.Refuse(await ReadAsync(group, memory, cancellationToken), memory.Highest);
        group = group with { Far = reads.Where(read => read.Value.IsFar).Select(read => read.Key).ToHashSet(StringComparer.Ordinal) };
        memory = memory.Learn(reads, Now);
        var obstacle = await ApplyAsync(group, memory, cancellationToken);
        if (group.Acts)
        {
            memory = Hear(group, memory);
            (memory, var waits) = await ActAsync(group, memory, reads, began, cancellationToken);
            _waits[database] = waits;
            (memory, var untold) = await TellAsync(group, memory, cancellationToken);
            obstacle = Obstacle.Of(obstacle, untold);
            if (WitnessRules.FindObstacle(group, reads, memory.WitnessUntold) is null)
                memory = memory with { WitnessAt = Now };
            _witnesses[database] = WitnessRules.Judge(group, memory, reads, Now);
        }

        _memory[region.Metadata.Uid] = memory;
        // Votes that are older than what the guards know, as after a restore, must not make another region the primary.
        var isBehind = memory.Known?.Value is { } record && group.GuardEpochFrom(record.Epoch) > record.Epoch;
        var (status, conditions) = FailoverStatusRules.Build(
            group,
            isBehind ? memory with { Known = null } : memory,
            reads,
            obstacle ?? _waits.GetValueOrDefault(database),
            _witnesses.GetValueOrDefault(database),
            time.GetUtcNow()
        );
        await _status.WriteAsync(region, status, conditions.Conditions, cancellationToken);
        ConditionEvents.Record(events, region, conditions.Changed);
        Report(region, status);
        FailoverMetrics.Set(group, memory, reads, conditions);
        return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(
            region,
            memory.Known is { Value.Phase: not TopologyPhase.Stable } ? MovingInterval : ProbeHistory.Interval
        );
    }

    /// <inheritdoc />
    // Kubernetes' garbage collector deletes the objects of the region, its vote among them.
    public Task<ReconciliationResult<V1Alpha1ShortenerRegion>> DeletedAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        _memory.TryRemove(region.Metadata.Uid, out _);
        _status.Forget(region);
        observer.Forget(region);
        FailoverMetrics.Remove(region);
        return Task.FromResult(ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region));
    }

    private async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ForgetAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        _memory.TryRemove(region.Metadata.Uid, out _);
        FailoverMetrics.Remove(region);
        await _status.WriteAsync(region, null, [], cancellationToken);
        return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region);
    }

    private async Task<IReadOnlyDictionary<string, VoterRead>> ReadAsync(ObservedGroup group, FailoverMemory memory, CancellationToken cancellationToken)
    {
        // An operator that has just started does not know whether a witness votes: then it does not know either what was decided without one of the regions.
        var names = group
            .Members.Select(member => member.Spec.Region)
            .Union(group.Places.Keys.Where(Witness.IsOne), StringComparer.Ordinal)
            .Union(memory.Known?.Value.Voters.All ?? [], StringComparer.Ordinal);
        var reads = await Task.WhenAll(
            names.Select(async name =>
                (
                    name,
                    Read: group.Places.TryGetValue(name, out var place)
                        ? await voters.ReadAsync(place, cancellationToken)
                        : new VoterRead(null, null, $"Nobody knows where the vote of region {name} is.")
                )
            )
        );
        return reads.ToDictionary(read => read.name, read => read.Read, StringComparer.Ordinal);
    }

    // The vote of the region, as an object without one; and who may read it.
    private async Task<Obstacle?> ApplyAsync(ObservedGroup group, FailoverMemory memory, CancellationToken cancellationToken)
    {
        var region = group.Region;
        if (region.Spec.IsSuspended() && group.Map is not null)
            return null;
        // Nobody may count on the end of a lease that the guards were told not to end: the record is changed first.
        var isLease =
            region.Spec.Failover.Mode == FailoverMode.Automatic || memory.Known?.Value.IsGuarded == true || (memory.Known is null && IsLease(group.Map));
        var map = VoterResources.BuildMap(region, isLease, group.PlacesOfGuards(memory.Known?.Value.Voters));
        var isRead = group.RoleBinding is not null || VoterResources.OthersOf(region, group.Members).Any();
        return Obstacle.Of(
            await applier.TryAsync(region, $"ConfigMap {map.Metadata.Name}", () => ApplyAsync(region, map, group.Map, cancellationToken)),
            isRead ? await applier.EnsureAsync(region, VoterResources.BuildRoleBinding(region, group.Members), group.RoleBinding, cancellationToken) : null
        );
    }

    // By another way than other objects, whose data has one writer.
    private async Task<Obstacle?> ApplyAsync(V1Alpha1ShortenerRegion region, V1ConfigMap map, V1ConfigMap? cached, CancellationToken cancellationToken)
    {
        if (cached is not null && Owned.IsControlledBy(cached, region) && Owned.HasLabels(cached, map) && VoterPlace.GuardOf(cached) == VoterPlace.GuardOf(map))
            return null;
        var live = await client.GetAsync<V1ConfigMap>(ObjectKey.Of(map), cancellationToken);
        if (live is not null && !Owned.IsControlledBy(live, region) && !Owned.IsOrphan(live, map))
            return Applier.NameTaken($"ConfigMap {map.Metadata.Name}", live);
        await client.ApplyAsync(map, FieldManagers.Operator, force: true, cancellationToken);
        return null;
    }

    private async Task<(FailoverMemory Memory, Obstacle? Waits)> ActAsync(
        ObservedGroup group,
        FailoverMemory memory,
        IReadOnlyDictionary<string, VoterRead> reads,
        TimeSpan began,
        CancellationToken cancellationToken
    )
    {
        var records = FailoverMemory.RecordsOf(reads);
        if (memory.Known is not { } known)
            return await BeginAsync(group, memory, reads, cancellationToken);
        if (VoterChange.IsLast(group, known.Value, reads))
            return (await TakeOverAsync(group, memory, reads, cancellationToken), null);
        memory = await RepairAsync(group, memory, records, cancellationToken);
        // A decision is made on what this reading has shown, and on nothing older.
        if (ChosenRecord.Find(records) is not { } chosen || memory.Known?.Ballot != chosen.Ballot)
            return (memory, null);

        group = await observer.AskAsync(group, cancellationToken);
        memory = Probe(group, memory, began);
        var decision = FailoverDecision.Of(group.View(memory, Now, time.GetUtcNow()));
        var next = decision.Next ?? VoterChange.Of(group, chosen.Value, reads);
        memory = memory with { Wanted = next is null ? null : WantedChange.Of(memory.Wanted, next, Now) };
        if (next is not null && IsTurn(group, memory, next))
            memory = await ProposeAsync(group, memory, chosen.Value, next, cancellationToken);
        return (memory, decision.Waits is { } why ? new Obstacle(Reasons.RoleStays, why) : null);
    }

    private bool IsTurn(ObservedGroup group, FailoverMemory memory, TopologyRecord next) =>
        !group.HasRemotes
        || memory.Wanted!.IsTurnOf(group.OwnCluster, group.ClusterOf(next.Region), group.Members.Select(member => group.ClusterOf(member.Spec.Region)), Now);

    private FailoverMemory Hear(ObservedGroup group, FailoverMemory memory)
    {
        var heard = ImmutableDictionary.CreateBuilder<string, HeardObserver>();
        var told = ImmutableDictionary.CreateBuilder<string, HeardObserver>();
        foreach (var (cluster, report) in group.Observers)
        {
            if (HeardObserver.Learn(memory.Heard.GetValueOrDefault(cluster), report, Now) is { } known)
                heard[cluster] = known;
            // Apart: two reports of which none is renewed must not look like new ones in turn.
            if (HeardObserver.Learn(memory.HeardByWitness.GetValueOrDefault(cluster), group.ToldByWitness?.GetValueOrDefault(cluster), Now) is { } knownToo)
                told[cluster] = knownToo;
        }

        return memory with
        {
            Heard = heard.ToImmutable(),
            HeardByWitness = told.ToImmutable(),
        };
    }

    // For the operators of other clusters. Without a record nothing is probed yet. That it cannot be told prevents nothing here.
    private async Task<(FailoverMemory Memory, Obstacle? Untold)> TellAsync(ObservedGroup group, FailoverMemory memory, CancellationToken cancellationToken)
    {
        if (!group.HasRemotes || Now - memory.ToldAt < 0.9 * ObserverReport.Interval)
            return (memory, null);
        var lease = ObserverReport.Build(
            group.Region,
            memory.Probes.Select(probe => KeyValuePair.Create(probe.Key, probe.Value.History.Verdict)),
            time.GetUtcNow()
        );
        var untold = await applier.TryAsync(
            group.Region,
            $"Lease {lease.Metadata.Name}",
            async () =>
            {
                await client.ApplyAsync(lease, FieldManagers.Topology, force: true, cancellationToken);
                return null;
            }
        );
        // One that was not read now will not answer either.
        var withoutWitness =
            memory.Known is null || group.ToldByWitness is null
                ? null
                : await observer.TellWitnessAsync(
                    group,
                    memory.Probes.Select(probe => KeyValuePair.Create(probe.Key, probe.Value.History.Verdict)),
                    time.GetUtcNow(),
                    cancellationToken
                );
        return (memory with { ToldAt = Now, WitnessUntold = withoutWitness }, untold);
    }

    // The first record: it says what the statuses have said so far. From then on they say what the record says.
    private async Task<(FailoverMemory Memory, Obstacle? Waits)> BeginAsync(
        ObservedGroup group,
        FailoverMemory memory,
        IReadOnlyDictionary<string, VoterRead> reads,
        CancellationToken cancellationToken
    )
    {
        // What the latest record says stays, and all that answer hold it then.
        if (VoterChange.FindVoters(reads) is { } voters)
            return (await TryAsync(group, memory, voters, _ => null, cancellationToken), null);
        var (first, waits) = VoterChange.FindFirst(group, reads);
        if (first is null)
            return (memory, waits);
        return (await TryAsync(group, memory, first.Voters, latest => latest ?? first, cancellationToken), null);
    }

    private Task<FailoverMemory> ProposeAsync(
        ObservedGroup group,
        FailoverMemory memory,
        TopologyRecord basis,
        TopologyRecord next,
        CancellationToken cancellationToken
    ) => TryAsync(group, memory, basis.Voters, latest => latest == basis ? next : null, cancellationToken);

    // All hold the same, or most hold something newer than one that was away, or an attempt was not finished. Each attempt is a change that is watched, so one that
    // does not help must not be repeated at once.
    private async Task<FailoverMemory> RepairAsync(
        ObservedGroup group,
        FailoverMemory memory,
        IReadOnlyDictionary<string, VoterRecord> records,
        CancellationToken cancellationToken
    )
    {
        foreach (var (voter, since) in memory.MissingSince)
        {
            if (LostVoters.Return(records, voter, Now - since) is { } record && group.Places.TryGetValue(voter, out var place))
                await agreement.ReturnAsync(place, record, cancellationToken);
        }

        var known = memory.Known!;
        if (Now - memory.RepairedAt < RepairInterval || known.IsHeldByAll(records))
            return memory;
        return await TryAsync(group, memory with { RepairedAt = Now }, known.Value.Voters, _ => null, cancellationToken);
    }

    private async Task<FailoverMemory> TryAsync(
        ObservedGroup group,
        FailoverMemory memory,
        Voters known,
        Func<TopologyRecord?, TopologyRecord?> change,
        CancellationToken cancellationToken
    ) =>
        // The promises of an attempt are changes that are watched: one that fails must not follow another one at once.
        Now < memory.RetryAt
            ? memory
            : Learn(group, memory, await agreement.TryAsync(group.Asked, known, memory.Highest, change, cancellationToken));

    // All other regions were deleted by people, and their votes with them, so that no majority is left.
    private async Task<FailoverMemory> TakeOverAsync(
        ObservedGroup group,
        FailoverMemory memory,
        IReadOnlyDictionary<string, VoterRead> reads,
        CancellationToken cancellationToken
    )
    {
        var name = group.Region.Spec.Region;
        var ballot = memory.Highest.Next("last");
        var record = VoterChange.OfLast(group, memory.Known!.Value);
        if (!group.Places.TryGetValue(name, out var place) || !reads.TryGetValue(name, out var read))
            return memory;
        var written = await voters.WriteAsync(place, read, new VoterRecord(ballot, ballot, record), cancellationToken);
        return written is null ? memory : memory.Learn(new ChosenRecord(ballot, record), Now);
    }

    private FailoverMemory Learn(ObservedGroup group, FailoverMemory memory, AgreementRound round)
    {
        if (round.IsChosen)
            return memory.Learn(new ChosenRecord(round.Ballot, round.Proposed!), Now) with { Overtaken = 0 };
        var overtaken = memory.Overtaken + 1;
        return memory with
        {
            Highest = round.Highest > memory.Highest ? round.Highest : memory.Highest,
            Overtaken = overtaken,
            RetryAt = Now + (group.HasRemotes ? WantedChange.PauseAfter(overtaken, RandomNumberGenerator.GetInt32(1000) / 1000.0) : RetryInterval),
        };
    }

    private static FailoverMemory Probe(ObservedGroup group, FailoverMemory memory, TimeSpan now)
    {
        var record = memory.Known!.Value;
        var probes = ImmutableDictionary.CreateBuilder<string, ProbeHistory>();
        foreach (var member in group.Members)
        {
            var name = member.Spec.Region;
            probes[name] = memory.Probes.GetValueOrDefault(name, ProbeHistory.None).Add(group.Sees(member, record.Allows(name)), now);
        }

        memory = memory with { Probes = probes.ToImmutable() };
        var judged = group.Members.ToImmutableDictionary(
            member => member.Spec.Region,
            member => JudgedRegion.Of(member.Spec.Region, group, memory, now),
            StringComparer.Ordinal
        );

        var writer = record.Phase == TopologyPhase.Fencing ? record.Former : record.Region;
        var end =
            writer is not null && group.Leaders.GetValueOrDefault(writer) is { IsPrimary: true, End: { } written }
                ? written
                : group.Leaders.Values.Select(leader => leader.LatestEnd).Append(memory.LogEnd).Max();
        return memory with { Judged = judged, LogEnd = end };
    }

    private void Report(V1Alpha1ShortenerRegion region, FailoverStatus? status)
    {
        var former = region.Status?.Failover;
        if (status is null || (former?.Epoch, former?.Phase) == (status.Epoch, status.Phase))
            return;
        var (severity, reason, text) = status.Phase switch
        {
            FailoverPhase.Fencing => (
                EventSeverity.Warning,
                "WriteRoleMoves",
                $"Region {status.Region} is to get the primary role of region {status.Former} in epoch {status.Epoch}. {status.Reason}"
            ),
            FailoverPhase.Promoting => (
                EventSeverity.Normal,
                "RegionPromoted",
                $"Region {status.Region} may take changes in epoch {status.Epoch}. {status.Reason}"
            ),
            _ => (
                EventSeverity.Normal,
                "WriteRoleSettled",
                $"Region {status.Region} takes changes in epoch {status.Epoch}{(status.TookMillis is { } took ? $", {took} ms after the move was decided" : "")}."
            ),
        };
        events.Record(region, severity, reason, "Failover", text);
    }

    private static bool IsLease(V1ConfigMap? map) => VoterPlace.GuardOf(map)?.Contains("\"lease\":true", StringComparison.Ordinal) == true;
}
