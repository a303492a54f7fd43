using System.Globalization;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Regions;

/// <summary>
/// The role of a region in its group. Pure. The status of every region of the group records the holder of the primary role; the record with the highest epoch
/// is valid. Only the region that gets the role opens a new epoch, and the API server refuses a status that was computed from an older object. So two regions
/// can commit different decisions from one record only as a tie, which <see cref="HolderOf"/> resolves in the same way everywhere.
/// </summary>
internal sealed record PrimaryRole
{
    /// <summary>How long a group without a primary waits for a preferred region that is starting.</summary>
    public static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(5);

    /// <summary>One of <see cref="RegionRole"/>.</summary>
    public required string Role { get; init; }

    /// <summary>The record for the status of the region; null: the group has one region and never had more.</summary>
    public TopologyStatus? Topology { get; init; }

    /// <summary>Whether the group has no primary and this region is the next one, so that it needs the pods of a primary.</summary>
    public bool IsNext { get; init; }

    /// <summary>Why the operator does not follow the region's annotation <see cref="Labels.Promote"/>; null: it does, or there is nothing to do.</summary>
    public string? Refusal { get; init; }

    /// <summary>Computes the role of a region.</summary>
    /// <param name="region">The region.</param>
    /// <param name="group">All regions of its group, this one included.</param>
    /// <param name="now">The time.</param>
    public static PrimaryRole Of(V1Alpha1ShortenerRegion region, IReadOnlyList<V1Alpha1ShortenerRegion> group, DateTimeOffset now)
    {
        var members = MembersOf(group);
        var epoch = EpochOf(members);
        if (members.Count <= 1)
        {
            // The epoch stays, so that an old request to promote does not become valid again when the group grows.
            var isOnly = members.Count == 0 || IsSame(members[0], region);
            return new PrimaryRole
            {
                Role = isOnly ? RegionRole.Primary : RegionRole.Standby,
                Topology = epoch > 0 ? new TopologyStatus { Epoch = epoch } : null,
            };
        }

        if (region.Status?.Failover is { } agreed)
            return OfAgreed(region, agreed);

        var (holder, record) = HolderOf(members);
        var (next, reason, message) = NextOf(members, holder, record, now);
        if (next is not null && IsSame(next, region) && !(holder is not null && IsSame(holder, region) && record is { Epoch: not null }))
        {
            record = new TopologyStatus
            {
                PrimaryRegion = region.Spec.Region,
                Epoch = epoch + 1,
                Since = StatusTime.Of(now),
                Reason = reason,
                Message = message,
            };
            holder = region;
        }

        return new PrimaryRole
        {
            Role = holder is not null && IsSame(holder, region) ? RegionRole.Primary : RegionRole.Standby,
            Topology = holder is null ? new TopologyStatus { Epoch = epoch } : record,
            IsNext = holder is null && next is null && CandidateOf(members, now) is { } candidate && IsSame(candidate, region),
            Refusal = RefusalOf(region, members, holder),
        };
    }

    // The regions vote about the role. What one of them knows may be old: its database takes changes only as long as its guards know better.
    private static PrimaryRole OfAgreed(V1Alpha1ShortenerRegion region, FailoverStatus agreed)
    {
        var isWriter = agreed.Region == region.Spec.Region;
        var refusal =
            Labels.AnnotationOf(region.Metadata, Labels.Promote) is { Length: > 0 } wanted
            && EpochOf(region, wanted) is var asked
            && !(asked < agreed.Epoch)
            && !isWriter
                ? RefusalOf(region)
                : null;
        // The epoch is opened by the region that gets the role: nobody uses it before.
        return agreed.Phase == FailoverPhase.Fencing
            ? new PrimaryRole
            {
                Role = agreed.Former == region.Spec.Region ? RegionRole.Fenced : RegionRole.Standby,
                Topology = region.Status?.Topology ?? new TopologyStatus { PrimaryRegion = agreed.Former, Epoch = agreed.Epoch - 1 },
                IsNext = isWriter,
                Refusal = refusal,
            }
            : new PrimaryRole
            {
                Role = isWriter ? RegionRole.Primary : RegionRole.Standby,
                Topology =
                    region.Status?.Topology is { } known && known.Epoch == agreed.Epoch && known.PrimaryRegion == agreed.Region
                        ? known
                        : new TopologyStatus
                        {
                            PrimaryRegion = agreed.Region,
                            Epoch = agreed.Epoch,
                            Since = agreed.MovedAt,
                            Reason = Reasons.RoleMoved,
                            Message = agreed.Reason,
                        },
                Refusal = refusal,
            };
    }

    /// <summary>Whether a region is or was ready.</summary>
    public static bool WasReady(V1Alpha1ShortenerRegion region) =>
        region.Status is { } status
        && (
            status.FirstReadyTime is not null
            || ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Ready)
            // An earlier version recorded the primary without an epoch, and did not record whether it was ready. A primary whose pods serve keeps the role.
            || (status.Topology is { PrimaryRegion: not null, Epoch: null } && ConditionEvents.IsTrue(status.Conditions, ConditionTypes.AppAvailable))
        );

    /// <summary>Why a region that requests the role by its annotation would not get it; null: it would, or there is no annotation.</summary>
    /// <param name="region">The region, with its annotations and status.</param>
    public static string? RefusalOf(V1Alpha1ShortenerRegion region)
    {
        var wanted = Labels.AnnotationOf(region.Metadata, Labels.Promote);
        if (string.IsNullOrEmpty(wanted))
            return null;
        var epoch = region.Status?.Topology?.Epoch ?? 0;
        var valid = ValueOf(region, epoch);
        if (region.Status?.Topology?.PrimaryRegion is not { } primary)
            return $"Region {region.Spec.Region} cannot be promoted: group {region.Spec.Group} has no primary yet, or no other region.";
        if (wanted != valid)
            return $"Annotation {Labels.Promote}: \"{Short(wanted)}\" does not name this region and the current epoch. To promote the region, set it to \"{valid}\".";
        if (primary == region.Spec.Region)
            return null;
        if (!WasReady(region))
            return $"Region {region.Spec.Region} cannot be promoted: it was never Ready. See its conditions.";
        return region.Spec.IsSuspended() ? $"Region {region.Spec.Region} cannot be promoted: it is suspended. Set spec.suspend to None first." : null;
    }

    /// <summary>The value of <see cref="Labels.Promote"/> that promotes a region.</summary>
    public static string ValueOf(V1Alpha1ShortenerRegion region, long epoch) => string.Create(CultureInfo.InvariantCulture, $"{region.Spec.Region}@{epoch}");

    // An annotation may stay after the promotion, so a lower epoch is not an error.
    private static string? RefusalOf(V1Alpha1ShortenerRegion region, List<V1Alpha1ShortenerRegion> members, V1Alpha1ShortenerRegion? holder)
    {
        if (Labels.AnnotationOf(region.Metadata, Labels.Promote) is not { Length: > 0 } wanted || (holder is not null && IsSame(holder, region)))
            return null;
        return EpochOf(region, wanted) < EpochOf(members) ? null : RefusalOf(region);
    }

    /// <summary>Whether a region that can have the role asks for it in an epoch.</summary>
    /// <param name="region">The region.</param>
    /// <param name="annotation"><see cref="Labels.Promote"/> or <see cref="Labels.ForcePrimary"/>.</param>
    /// <param name="epoch">The epoch.</param>
    public static bool IsAsked(V1Alpha1ShortenerRegion region, string annotation, long epoch) =>
        Labels.AnnotationOf(region.Metadata, annotation) == ValueOf(region, epoch) && IsEligible(region);

    /// <summary>The epoch that a value of <see cref="Labels.Promote"/> names; null: it is not one for this region.</summary>
    public static long? EpochOf(V1Alpha1ShortenerRegion region, string request) =>
        request.StartsWith(region.Spec.Region + "@", StringComparison.Ordinal)
        && long.TryParse(request.AsSpan(region.Spec.Region.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
            ? epoch
            : null;

    private static (V1Alpha1ShortenerRegion? Next, string Reason, string Message) NextOf(
        List<V1Alpha1ShortenerRegion> members,
        V1Alpha1ShortenerRegion? holder,
        TopologyStatus? record,
        DateTimeOffset now
    )
    {
        if (holder is not null)
        {
            var asked = members.FirstOrDefault(member =>
                !IsSame(member, holder)
                && record?.Epoch is { } epoch
                && Labels.AnnotationOf(member.Metadata, Labels.Promote) == ValueOf(member, epoch)
                && IsEligible(member)
            );
            return asked is not null
                ? (
                    asked,
                    Reasons.PromotionRequested,
                    $"Annotation {Labels.Promote} asked for the move from region {holder.Spec.Region} to region {asked.Spec.Region}."
                )
                : (holder, Reasons.KeptPrimary, $"Region {holder.Spec.Region} was the primary before the operator recorded epochs, or the only region.");
        }

        if (CandidateOf(members, now) is not { } best || !IsEligible(best))
            return (null, "", "");
        var gone = members.Select(member => member.Status?.Topology?.PrimaryRegion).OfType<string>().FirstOrDefault();
        return gone is not null
            ? (best, Reasons.PrimaryGone, $"The primary, region {gone}, was deleted; region {best.Spec.Region} has the highest priority of the rest.")
            : (best, Reasons.FirstReady, $"Region {best.Spec.Region} has the highest priority of the regions that are Ready, and the group had no primary.");
    }

    // The region that gets the role of a group without a primary: it gets the role now, or as soon as it is ready.
    private static V1Alpha1ShortenerRegion? CandidateOf(List<V1Alpha1ShortenerRegion> members, DateTimeOffset now) =>
        members.FirstOrDefault(member => IsEligible(member) || IsStarting(member, now));

    private static bool IsEligible(V1Alpha1ShortenerRegion member) => WasReady(member) && !member.Spec.IsSuspended();

    private static bool IsStarting(V1Alpha1ShortenerRegion member, DateTimeOffset now) =>
        !member.Spec.IsSuspended()
        && !ConditionEvents.IsTrue(member.Status?.Conditions, ConditionTypes.Stalled)
        // It waits for a primary itself.
        && member.Status?.Conditions?.Any(condition => condition is { Type: ConditionTypes.PostgresReady, Reason: Reasons.AwaitsPrimaryRegion }) != true
        && now.UtcDateTime - (member.Metadata.CreationTimestamp?.ToUniversalTime() ?? now.UtcDateTime) < StartLimit;

    private static (V1Alpha1ShortenerRegion? Holder, TopologyStatus? Record) HolderOf(List<V1Alpha1ShortenerRegion> members)
    {
        var records = members.Where(member => member.Status?.Topology?.PrimaryRegion is not null).ToList();
        if (records.Count == 0)
            return (members.FirstOrDefault(member => member.Status?.Role == RegionRole.Primary && WasReady(member)), null);
        // If two regions opened the same epoch, the preferred one wins; its own record is the valid one.
        var latest = records.Max(EpochOf);
        var record = records
            .Where(member => EpochOf(member) == latest)
            .OrderByDescending(member => member.Status!.Topology!.PrimaryRegion == member.Spec.Region)
            .First()
            .Status!.Topology!;
        var holder = members.FirstOrDefault(member => member.Spec.Region == record.PrimaryRegion && WasReady(member));
        return holder is null ? (null, null) : (holder, record);
    }

    private static long EpochOf(V1Alpha1ShortenerRegion member) => member.Status?.Topology?.Epoch ?? 0;

    private static long EpochOf(List<V1Alpha1ShortenerRegion> members) => members.Select(EpochOf).DefaultIfEmpty().Max();

    // One object per region name: the oldest, regardless of priorities. Objects that are being deleted do not count. Preferred regions come first.
    private static List<V1Alpha1ShortenerRegion> MembersOf(IReadOnlyList<V1Alpha1ShortenerRegion> group) =>
        [
            .. group
                .Where(region => region.Metadata.DeletionTimestamp is null)
                .GroupBy(region => region.Spec.Region, StringComparer.Ordinal)
                .Select(twins => twins.Aggregate((first, second) => IsOlder(first, second) ? first : second))
                .OrderByDescending(region => region.Spec.Failover.Priority)
                // Objects of one region in several clusters have other times there, and all clusters must see one order.
                .ThenBy(region => region.Spec.ClusterName() is null ? "" : region.Spec.Region, StringComparer.Ordinal)
                .ThenBy(region => region.Metadata.CreationTimestamp)
                .ThenBy(region => region.Metadata.Uid, StringComparer.Ordinal),
        ];

    /// <summary>Whether one object is older than another. If both were created in the same second, the identifiers decide.</summary>
    public static bool IsOlder(V1Alpha1ShortenerRegion one, V1Alpha1ShortenerRegion other) =>
        (one.Metadata.CreationTimestamp, other.Metadata.CreationTimestamp) is var (first, second) && first != second
            ? first < second
            : string.CompareOrdinal(one.Metadata.Uid, other.Metadata.Uid) < 0;

    private static bool IsSame(V1Alpha1ShortenerRegion one, V1Alpha1ShortenerRegion other) => one.Metadata.Uid == other.Metadata.Uid;

    private static string Short(string text) => Texts.Cut(text, 60);
}
