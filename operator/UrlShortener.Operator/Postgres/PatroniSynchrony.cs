using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// Patroni's record of the synchronous replicas, as it stores it in the annotations of a ConfigMap: whom the members may elect when the primary is lost. Patroni
/// mends in its next loop most of what somebody else writes there. A record that has the primary among its replicas, or is of another member with other numbers,
/// is one that it refuses in each loop, for ever; no replica that it does not name can be elected meanwhile.
/// </summary>
/// <param name="Leader">The primary that it is of; null: none. Then any replica may be elected, until the primary has written it anew.</param>
/// <param name="Standbys">The replicas that have every acknowledged write.</param>
/// <param name="Quorum">How many others of them must agree to the election of one; null: unreadable.</param>
/// <param name="Version">Version of the ConfigMap.</param>
internal sealed record PatroniSynchrony(string? Leader, IReadOnlyList<string> Standbys, int? Quorum, string Version)
{
    /// <summary>Annotation with <see cref="Standbys"/>.</summary>
    public const string StandbysAnnotation = "sync_standby";

    /// <summary>Annotation with the number of them that must agree to an election.</summary>
    public const string QuorumAnnotation = "quorum";

    private const int MaxName = 64;

    /// <summary>The record in a ConfigMap; null: there is none.</summary>
    public static PatroniSynchrony? Of(V1ConfigMap? map) =>
        map is null
            ? null
            : new PatroniSynchrony(
                Labels.AnnotationOf(map.Metadata, PatroniLock.LeaderAnnotation) is { Length: > 0 } leader ? leader : null,
                (Labels.AnnotationOf(map.Metadata, StandbysAnnotation) ?? "").Split(
                    ',',
                    StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries
                ),
                int.TryParse(Labels.AnnotationOf(map.Metadata, QuorumAnnotation), NumberStyles.None, CultureInfo.InvariantCulture, out var quorum)
                    ? quorum
                    : null,
                map.Metadata.ResourceVersion ?? ""
            );

    /// <summary>What the primary would not write, as the end of a sentence; null: nothing.</summary>
    /// <param name="primary">The primary.</param>
    /// <param name="members">Names of all members.</param>
    public string? FindContradiction(string primary, IReadOnlySet<string> members) =>
        Leader is null ? "names no primary"
        : Leader != primary ? $"is of {Texts.Cut(Leader, MaxName)}"
        : Standbys.Contains(primary, StringComparer.OrdinalIgnoreCase) ? "has the primary among the replicas"
        : Standbys.FirstOrDefault(name => !members.Contains(name)) is { } unknown ? $"names {Texts.Cut(unknown, MaxName)}, which is no member"
        : null;
}

/// <summary>A record of the synchronous replicas that contradicts the primary. Pure.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Primary">The primary.</param>
/// <param name="Text">What contradicts it.</param>
/// <param name="Since">Since when it has been seen.</param>
internal sealed record SynchronyContradiction(string Version, string Primary, string Text, DateTimeOffset Since)
{
    // Patroni needs one or two for what it mends by itself, also after another member was the primary.
    private const int Loops = 5;

    /// <summary>The contradiction; null: there is none, or no primary accepts writes.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="former">The contradiction that was seen before; null: none.</param>
    /// <param name="now">The time.</param>
    public static SynchronyContradiction? Track(V1Alpha1ShortenerRegion region, ObservedPostgres observed, SynchronyContradiction? former, DateTimeOffset now)
    {
        var spec = region.Spec.Postgres!;
        if (spec.Durability == Durability.Async || observed.Primary is not { } primary || PatroniSynchrony.Of(observed.Synchrony) is not { } record)
            return null;
        var members = Enumerable
            .Range(0, Math.Max(spec.Instances, observed.StatefulSet?.Spec?.Replicas ?? 0))
            .Select(ordinal => PostgresNames.MemberOf(region, ordinal))
            .Concat(observed.Pods.Select(pod => pod.Metadata.Name))
            .ToHashSet(StringComparer.Ordinal);
        return record.FindContradiction(primary.Name, members) is not { } text ? null
            : former is not null && former.Version == record.Version && former.Primary == primary.Name ? former
            : new SynchronyContradiction(record.Version, primary.Name, text, now);
    }

    /// <summary>Whether Patroni does not mend it. During a pause it need not.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="now">The time.</param>
    public bool IsLasting(V1Alpha1ShortenerRegion region, ObservedPostgres observed, DateTimeOffset now) =>
        now >= Since + TimeSpan.FromSeconds((Loops * region.Spec.Postgres!.Patroni.LoopWait) + 5) && !observed.Members.Values.Any(member => member.Paused);
}
