using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Regions;
using UrlShortener.Operator.Schedules;

namespace UrlShortener.Operator.Failover;

/// <summary>The group of a region as the caches have it. The objects belong to them: do not change them.</summary>
internal sealed record ObservedGroup
{
    // Whoever may write annotations of pods must not be able to use up all epochs.
    private const long MaxAhead = 1_000_000;

    /// <summary>The region.</summary>
    public required V1Alpha1ShortenerRegion Region { get; init; }

    /// <summary>All objects of regions with the same group that are not being deleted, by name of the region: also those that do not trust this one.</summary>
    public required IReadOnlyDictionary<string, V1Alpha1ShortenerRegion> All { get; init; }

    /// <summary>The regions that have the database of this one, this one included.</summary>
    public required IReadOnlyList<V1Alpha1ShortenerRegion> Members { get; init; }

    /// <summary>The pods of PostgreSQL, by name of the region; also of regions that are gone.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<V1Pod>> Pods { get; init; }

    /// <summary>What members that lead answer, by name of the region.</summary>
    public IReadOnlyDictionary<string, PatroniMember> Leaders { get; init; } = new Dictionary<string, PatroniMember>();

    /// <summary>The ConfigMap of the region's vote; null: there is none.</summary>
    public V1ConfigMap? Map { get; init; }

    /// <summary>What lets other namespaces read it; null: nothing.</summary>
    public V1RoleBinding? RoleBinding { get; init; }

    /// <summary>Where the votes are, by name of the region.</summary>
    public required IReadOnlyDictionary<string, VoterPlace> Places { get; init; }

    /// <summary>Voters that no attempt asks (<see cref="FarVotes"/>).</summary>
    public IReadOnlySet<string> Far { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Where the votes are that attempts ask.</summary>
    public IReadOnlyDictionary<string, VoterPlace> Asked =>
        Far.Count == 0
            ? Places
            : Places.Where(place => !Far.Contains(place.Key)).ToDictionary(place => place.Key, place => place.Value, StringComparer.Ordinal);

    /// <summary>Regions of other clusters that could not be asked now.</summary>
    public IReadOnlySet<string> Unreachable { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>What the operators of other clusters think of the regions, by name of the cluster; null: one could not be asked, or has told nothing.</summary>
    public IReadOnlyDictionary<string, ObserverReport?> Observers { get; init; } = new Dictionary<string, ObserverReport?>();

    /// <summary>What the regions want of a witness.</summary>
    public WitnessPlan WitnessPlan { get; init; } = WitnessPlan.None;

    /// <summary>Name of the witness' cluster, also while the regions want different ones and one votes; null: there is none.</summary>
    public string? WitnessCluster =>
        WitnessPlan.Cluster ?? (WitnessPlan.Keeps && Places.Keys.FirstOrDefault(Witness.IsOne) is { } voter ? Witness.ClusterOf(voter) : null);

    /// <summary>Why its cluster cannot be asked, or has not what it needs to have; null: it can, and does.</summary>
    public Obstacle? WitnessObstacle { get; init; }

    /// <summary>What the operators of clusters have told there, by name of the cluster; null: it could not be read now.</summary>
    public IReadOnlyDictionary<string, ObserverReport>? ToldByWitness { get; init; }

    /// <summary>Names of the regions that this operator runs.</summary>
    public IReadOnlySet<string> Own => All.Values.Where(region => !region.IsRemote).Select(region => region.Spec.Region).ToHashSet(StringComparer.Ordinal);

    /// <summary>Name of the cluster of a region; of this one, without a name: empty.</summary>
    public string ClusterOf(string region) => Places.GetValueOrDefault(region)?.Cluster ?? OwnCluster;

    /// <summary>Name of this cluster; empty: it has none.</summary>
    public string OwnCluster => Region.Spec.ClusterName() ?? "";

    /// <summary>Whether regions of the group are in other clusters.</summary>
    public bool HasRemotes => Members.Any(member => member.IsRemote);

    /// <summary>Whether the regions vote: there are several with the same database, or there were.</summary>
    public bool Votes => Members.Count > 1 || Map?.Data?.ContainsKey(VoterPlace.VoterKey) == true;

    /// <summary>
    /// Whether this region's reconcile acts for the regions of its cluster. Several would not do harm, only work twice.
    /// </summary>
    public bool Acts => Members.First(member => !member.IsRemote).Spec.Region == Region.Spec.Region;

    /// <summary>The places that the guards are told of. A witness that does not vote would only make them wait for it.</summary>
    /// <param name="voters">The voters; null: they are not known now.</param>
    public IReadOnlyDictionary<string, VoterPlace> PlacesOfGuards(Voters? voters) =>
        Places
            .Where(place => !Witness.IsOne(place.Key) || (voters is null ? IsTold(place.Key) : voters.All.Contains(place.Key, StringComparer.Ordinal)))
            .ToDictionary(place => place.Key, place => place.Value, StringComparer.Ordinal);

    /// <summary>A region of the group; null: there is none.</summary>
    public V1Alpha1ShortenerRegion? Find(string name) => All.GetValueOrDefault(name);

    /// <summary>Reports of the guards of a region; null: a member has none, or the region has no members.</summary>
    /// <param name="name">Name of the region.</param>
    public IReadOnlyList<GuardReport>? ReportsOf(string name)
    {
        var reports = Pods.GetValueOrDefault(name)?.Select(GuardReport.Of).ToList();
        return reports is { Count: > 0 } && reports.TrueForAll(report => report is not null) ? [.. reports.OfType<GuardReport>()] : null;
    }

    /// <summary>The highest epoch that a guard knows to be chosen, of those that may follow an epoch; that epoch if there is none.</summary>
    /// <param name="epoch">The epoch.</param>
    public long GuardEpochFrom(long epoch) =>
        Pods
            .Values.SelectMany(pods => pods)
            .Select(pod => GuardReport.Of(pod)?.Epoch ?? 0)
            .Where(told => told > epoch && told - epoch <= MaxAhead)
            .DefaultIfEmpty(epoch)
            .Max();

    /// <summary>What is known of the group, to decide.</summary>
    /// <param name="memory">What is remembered, with a record.</param>
    /// <param name="now">The time on the controller's clock.</param>
    /// <param name="clock">The time of day.</param>
    public GroupView View(FailoverMemory memory, TimeSpan now, DateTimeOffset clock)
    {
        var record = memory.Known!.Value;
        var settings = (Find(record.Region) ?? Region).Spec.Failover;
        var names = Members.Select(member => member.Spec.Region).Append(record.Region).Append(record.Former ?? record.Region).Distinct(StringComparer.Ordinal);
        return new GroupView
        {
            Own = Own,
            Record = record,
            RecordSeen = memory.KnownSince,
            GuardEpoch = GuardEpochFrom(record.Epoch),
            Regions = names.Select(name => ViewOf(name, memory)).ToDictionary(region => region.Name, StringComparer.Ordinal),
            Settings = SettingsOf(settings, clock),
            Requested = FindAsked(member => PrimaryRole.IsAsked(member, Apply.Labels.Promote, record.Epoch)),
            Forced = FindAsked(member =>
                PrimaryRole.IsAsked(member, Apply.Labels.ForcePrimary, record.Epoch)
                || (
                    record.Phase == TopologyPhase.Fencing
                    && record.Region == member.Spec.Region
                    && (
                        PrimaryRole.IsAsked(member, Apply.Labels.ForcePrimary, record.Epoch - 1)
                        // The last epoch that a person can have read, if this one is higher by more.
                        || (member.Status?.Topology?.Epoch is { } told && PrimaryRole.IsAsked(member, Apply.Labels.ForcePrimary, told))
                    )
                )
            ),
            Now = now,
            Clock = clock,
        };
    }

    /// <summary>Whether a region does what its role asks for, as this operator sees it.</summary>
    public static bool IsHealthy(V1Alpha1ShortenerRegion region, bool isWriter) =>
        region.Status is { Postgres: { } postgres } status
        && (isWriter ? postgres.Primary : postgres.Primary ?? postgres.StandbyLeader) is not null
        && (status.App?.ReadyReplicas > 0 || (isWriter ? region.Spec.App.MinReplicas : region.Spec.App.StandbyMinReplicas) == 0);

    /// <summary>Whether a region does what its role asks for, as far as this operator reaches it. One of a cluster that cannot be read does not.</summary>
    /// <param name="region">The region.</param>
    /// <param name="isWriter">Whether it is the one that writes.</param>
    public bool Sees(V1Alpha1ShortenerRegion region, bool isWriter) =>
        IsHealthy(region, isWriter)
        // The status is as old as the operator there wants; the kubelets tell of the pods.
        && (!region.IsRemote || (!Unreachable.Contains(region.Spec.Region) && Pods.GetValueOrDefault(region.Spec.Region)?.Any(RemoteMember.IsReady) == true));

    private RegionView ViewOf(string name, FailoverMemory memory)
    {
        var record = memory.Known!.Value;
        var reports = ReportsOf(name);
        // That somebody has deleted the object of a region here says nothing about the cluster that runs it.
        var isGone = Find(name) is null && Places.GetValueOrDefault(name)?.Cluster is null;
        var fenced =
            reports?.All(report => !report.IsWritable) == true ? reports.Min(report => report.Epoch)
            // Nothing is left of it that could write.
            : isGone && Pods.GetValueOrDefault(name) is not { Count: > 0 } ? record.Epoch
            : (long?)null;
        var leader = Leaders.GetValueOrDefault(name);
        var judged = memory.Judged.GetValueOrDefault(name, JudgedRegion.None);
        var region = Members.FirstOrDefault(member => member.Spec.Region == name);
        return new RegionView
        {
            Name = name,
            Priority = region?.Spec.Failover.Priority ?? 0,
            IsCandidate = region is not null && PrimaryRole.WasReady(region) && !region.Spec.IsSuspended(),
            IsGuarded = region?.Spec.Failover.Mode == FailoverMode.Automatic && reports?.All(report => report.IsLease) == true,
            IsGone = isGone,
            Drains = region?.Spec.Drain == true,
            Verdict = isGone ? Verdict.Bad : judged.Verdict,
            BadSince = judged.BadSince,
            GoodSince = judged.GoodSince,
            LagBytes = memory.LogEnd is { } end && leader?.End is { } reached ? Math.Max(0, end - reached) : null,
            ReplayBytes = leader?.Position is { Received: { } received, Replayed: { } applied } ? Math.Max(0, received - applied) : null,
            FencedEpoch = fenced,
            FencedAt = reports?.Max(report => report.FencedAt),
            Replayed = leader?.Position?.Replayed is { } replayed ? (ulong)replayed : null,
            WritesIn = reports?.Max(report => report.WritesIn),
            WritableIn = Pods.GetValueOrDefault(name)
                ?.Select(GuardReport.Of)
                .Max(report => report is { IsWritable: true, Epoch: > 0 } ? report.Epoch : (long?)null),
            IsPrimaryDatabase = leader?.IsPrimary,
        };
    }

    private bool IsTold(string voter) => VoterPlace.ReadGuard(VoterPlace.GuardOf(Map)).ContainsKey(voter);

    private string? FindAsked(Func<V1Alpha1ShortenerRegion, bool> isAsked) => Members.FirstOrDefault(isAsked)?.Spec.Region;

    private static FailoverSettings SettingsOf(FailoverSpec spec, DateTimeOffset clock) =>
        new()
        {
            IsAutomatic = spec.Mode == FailoverMode.Automatic,
            Delay = TimeSpan.FromSeconds(spec.DelaySeconds),
            MaxLagBytes = (long)Math.Min(spec.MaxLag.ToDecimal(), long.MaxValue),
            AllowsDataLoss = spec.DataLossPolicy == DataLossPolicies.Allow,
            Limits = new MoveLimits(TimeSpan.FromSeconds(spec.CooldownSeconds), spec.MaxMovesPerDay),
            FailbackAfter = spec.Failback.Mode == FailoverMode.Automatic ? TimeSpan.FromSeconds(spec.Failback.StableSeconds) : null,
            IsFailbackTime =
                spec.Failback.Window is not { } window
                || (CronSchedule.FindProblem(window.Schedule) is null && CronSchedule.IsOpen(window.Schedule, TimeSpan.FromMinutes(window.Minutes), clock)),
        };
}
