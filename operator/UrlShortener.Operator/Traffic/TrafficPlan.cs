using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Traffic;

/// <summary>A host name of a region, and where its visitors are sent.</summary>
/// <param name="Hostname">The host name.</param>
/// <param name="Set">The regions that DNS has for it.</param>
internal sealed record NamePlan(string Hostname, TargetSet Set);

/// <summary>Decides what a region publishes. Pure.</summary>
internal sealed record TrafficPlan
{
    /// <summary>The regions of the group that publish.</summary>
    public required IReadOnlyList<TrafficMember> Members { get; init; }

    /// <summary>This region; null: it publishes nothing, or is being deleted.</summary>
    public TrafficMember? Self { get; init; }

    /// <summary>The region that writes one record for all; null: each writes its own, or none publishes by DNS.</summary>
    public TrafficMember? Writer { get; init; }

    /// <summary>Host names in the DNS object that this region writes; empty: it writes none.</summary>
    public IReadOnlyList<NamePlan> Names { get; init; } = [];

    /// <summary>Host names of the region's route, of which each leads to the same regions; empty: it writes none.</summary>
    public IReadOnlyList<string> RouteNames { get; init; } = [];

    /// <summary>The regions of the route.</summary>
    public TargetSet RouteSet { get; init; } = TargetSet.None;

    /// <summary>Host names of the region that another group publishes, each with a region of that group.</summary>
    public IReadOnlyList<(string Hostname, V1Alpha1ShortenerRegion Holder)> Conflicts { get; init; } = [];

    /// <summary>Sets of the host names of this region, in DNS and in its route.</summary>
    public IReadOnlyList<TargetSet> OwnSets { get; init; } = [];

    /// <summary>Why the region is left out of DNS although it publishes there; null: it is not.</summary>
    public string? Difference { get; init; }

    /// <summary>The status of the region.</summary>
    public TrafficStatus? Status { get; init; }

    /// <summary>Whether the region lacks an address that it needs.</summary>
    public bool LacksTargets => Self is { Targets.Count: 0 } && Self.Spec.UsesDns();

    /// <summary>Whether no region may get the visitors of a host name of this one.</summary>
    public bool IsPanic => OwnSets.Any(set => set.IsPanic);

    /// <summary>Whether a set of this region has nothing to say yet.</summary>
    public bool IsWaiting => OwnSets.Any(set => set.Weights.Count == 0);

    /// <summary>The plan for a region.</summary>
    /// <param name="region">The region, with what the last look found in its status.</param>
    /// <param name="observed">What was observed.</param>
    /// <param name="now">The time.</param>
    public static TrafficPlan Of(V1Alpha1ShortenerRegion region, ObservedTraffic observed, DateTimeOffset now)
    {
        var members = TrafficMember.Of(observed.Group.Where(one => one.Metadata.Uid != region.Metadata.Uid).Append(region));
        var self = members.FirstOrDefault(member => member.Region.Metadata.Uid == region.Metadata.Uid);
        var first = TrafficMember.WriterOf(members);
        var writer = first?.Spec.Provider == DnsProvider.AWS ? null : first;
        var plan = new TrafficPlan
        {
            Members = members,
            Self = self,
            Writer = writer,
        };
        if (self is null)
            return plan;

        var dns = members.Where(member => member.Spec.UsesDns() && member.Spec.Provider == first?.Spec.Provider && member.Targets.Count > 0).ToList();
        var isWriter = self.Spec.UsesDns() && (writer is null ? self.Spec.Provider == DnsProvider.AWS : writer == self);
        var written = (isWriter, writer) switch
        {
            (false, _) => [],
            (true, null) => self.Spec.Hostnames,
            _ => members.Where(member => member.Spec.UsesDns()).SelectMany(member => member.Spec.Hostnames).Distinct(StringComparer.Ordinal).ToList(),
        };
        var sets = written
            .Concat(self.Spec.UsesDns() ? self.Spec.Hostnames : [])
            .Distinct(StringComparer.Ordinal)
            .Where(name => OtherOf(name, region, observed) is null)
            .ToDictionary(name => name, name => TargetSet.Of(AlikeOf(dns, name), now), StringComparer.Ordinal);
        var free = self.Spec.Hostnames.Where(name => OtherOf(name, region, observed) is null).ToList();
        // A route has one list of regions for all of its names.
        var behind = members.Where(member => member.Spec.UsesRoute() && free.All(name => member.Spec.Hostnames.Contains(name))).ToList();
        var route = self.Spec is { GatewayRef: not null } && self.Spec.UsesRoute() && free.Count > 0 ? TargetSet.Of(behind, now) : null;
        var difference = DifferenceOf(self, first, dns);
        List<TargetSet> own = [];
        if (self.Spec.UsesDns())
            own.AddRange(free.Select(name => sets[name]));
        if (route is not null)
            own.Add(route);
        var weight = own.Select(set => set.WeightOf(self.Name)).DefaultIfEmpty(0).Max();
        return plan with
        {
            Names = [.. written.Where(sets.ContainsKey).Order(StringComparer.Ordinal).Select(name => new NamePlan(name, sets[name]))],
            RouteNames = route is null ? [] : [.. free.Order(StringComparer.Ordinal)],
            RouteSet = route ?? TargetSet.None,
            Conflicts =
            [
                .. self
                    .Spec.Hostnames.Select(name => (Hostname: name, Holder: OtherOf(name, region, observed)!))
                    .Where(conflict => conflict.Holder is not null),
            ],
            OwnSets = own,
            Difference = difference,
            Status = new TrafficStatus
            {
                Serves = region.Status?.Traffic?.Serves,
                DesiredWeight = self.Spec.Weight,
                EffectiveWeight = weight,
                LastPods =
                    weight > 0 ? null
                    : self.LastWeight > 0 ? self.LastPods
                    : region.Status?.Traffic?.LastPods,
                DrainedSince = weight > 0 && self.IsDraining ? StatusTime.Of(self.DrainedSince ?? now) : null,
                SurgePods = Surge.PodsFor(self, members, now) is > 0 and var surge ? surge : null,
                Hostnames = free.Count > 0 ? free : null,
                Targets = self.Targets.Count > 0 ? self.Targets : null,
            },
        };
    }

    /// <summary>The region whose targets a record has that can have one name only: of those with the most weight the first.</summary>
    public static string FirstOf(TargetSet set) =>
        set.Weights.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key, StringComparer.Ordinal).First().Key;

    // A DNS name has addresses, or is another name for one host.
    private static List<TrafficMember> AlikeOf(IReadOnlyList<TrafficMember> dns, string hostname)
    {
        var named = dns.Where(member => member.Spec.Hostnames.Contains(hostname)).ToList();
        return named.Any(member => member.HasAddresses) ? named.FindAll(member => member.HasAddresses) : named;
    }

    private static string? DifferenceOf(TrafficMember self, TrafficMember? first, IReadOnlyList<TrafficMember> dns)
    {
        if (!self.Spec.UsesDns() || first is null)
            return null;
        if (self.Spec.Provider != first.Spec.Provider)
            return $"spec.traffic.provider is {self.Spec.Provider}, and that of region {first.Name}, the first of the group, is {first.Spec.Provider}. Use "
                + "the same in all regions of the group.";
        return self.Targets.Count > 0 && self.Spec.Hostnames.Any(name => !AlikeOf(dns, name).Contains(self))
            ? "The region has a host name as its target, and another region of the group has IP addresses. A DNS name can refer to addresses, or to one other "
                + "name. Use the same kind in all regions of the group."
            : null;
    }

    private static V1Alpha1ShortenerRegion? OtherOf(string hostname, V1Alpha1ShortenerRegion region, ObservedTraffic observed) =>
        HostnameClaims.FindOther(
            hostname,
            region,
            [
                .. observed
                    .Group.Where(one => one.Metadata.Uid != region.Metadata.Uid)
                    .Append(region)
                    .Concat(observed.Others)
                    .Where(one => (one.Spec.Traffic.UsesDns() || one.Spec.Traffic.UsesRoute()) && one.Spec.Traffic.Hostnames.Contains(hostname)),
            ]
        );
}
