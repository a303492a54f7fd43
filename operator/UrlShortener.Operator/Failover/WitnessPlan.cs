using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Failover;

/// <summary>
/// What the regions of a group want of a witness: a cluster that only votes (<c>spec.failover.witness</c>). It helps where the regions are in two clusters: each of
/// the two has half of the votes then, and the loss of one would be that of the majority. Pure.
/// </summary>
internal sealed record WitnessPlan
{
    /// <summary>No region names one.</summary>
    public static readonly WitnessPlan None = new();

    /// <summary>Name of the cluster that is to vote; null: none is.</summary>
    public string? Cluster { get; init; }

    /// <summary>Whether it is not certain what all regions want, or they want different things: the voters stay as they are.</summary>
    public bool Keeps { get; init; }

    /// <summary>Why the witness that the region names does not vote; null: it does, or the region names none.</summary>
    public Obstacle? Obstacle { get; init; }

    /// <summary>Name of the voter; null: none.</summary>
    public string? Voter => Cluster is null ? null : Witness.VoterOf(Cluster);

    /// <summary>Computes it.</summary>
    /// <param name="members">The regions that have one database.</param>
    /// <param name="find">
    /// The object of a region in the cluster that runs it; null: it was not read since this operator began. What the operators want must be the same, or each would
    /// undo what another one does; and while a change comes to one cluster after the other, the copies differ.
    /// </param>
    public static WitnessPlan Of(IReadOnlyList<V1Alpha1ShortenerRegion> members, Func<V1Alpha1ShortenerRegion, V1Alpha1ShortenerRegion?> find)
    {
        // The copy of one that was not read is good enough to go on with a witness that votes: its cluster may be lost.
        var isRead = members.All(member => find(member) is not null);
        var wanted = members.Select(member => (member.Spec.Region, Witness: (find(member) ?? member).Spec.WitnessName())).ToList();
        if (wanted.Select(one => one.Witness).Distinct(StringComparer.Ordinal).Count() > 1)
            return new WitnessPlan
            {
                Keeps = true,
                Obstacle = new Obstacle(
                    Reasons.WitnessDiffers,
                    $"spec.failover.witness differs: {string.Join(", ", wanted.Select(one => $"region {one.Region} names {(one.Witness is { } name ? $"cluster {name}" : "none")}"))}. "
                        + "Use the same in all regions and clusters. Until then the votes stay as they are."
                ),
            };
        if (wanted[0].Witness is not { } cluster)
            return None with { Keeps = !isRead };
        var why = FindReason(members, cluster);
        return new WitnessPlan
        {
            Cluster = why is null ? cluster : null,
            Keeps = !isRead,
            Obstacle = why is null ? null : new Obstacle(Reasons.WitnessNotUsed, why),
        };
    }

    // Why it would bring nothing; null: it would.
    private static string? FindReason(IReadOnlyList<V1Alpha1ShortenerRegion> members, string cluster)
    {
        if (members.FirstOrDefault(member => member.Spec.ClusterName() == cluster) is { } runs)
            return $"Cluster {cluster} runs region {runs.Spec.Region}, and is lost together with it. Name another cluster.";
        return members.Select(member => member.Spec.ClusterName() ?? "").Distinct(StringComparer.Ordinal).Count() switch
        {
            < 2 => "All regions of the group that have its database are in one cluster. A witness helps once they are in two.",
            > 2 and var count => $"The regions of the group are in {count} clusters, which need no witness. Remove spec.failover.witness.",
            _ => members.Select(member => member.Metadata.NamespaceProperty).Distinct(StringComparer.Ordinal).Count() > 1
                ? "The regions of the group are in several namespaces. A witness has its vote in the namespace of all of them."
                : null,
        };
    }
}
