using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Failover;

/// <summary>What the operators say of a witness. Pure.</summary>
internal static class WitnessRules
{
    /// <summary>How long it may give no answer before the condition says so. A vote that cannot be read now counts as away at once.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);

    /// <summary>An object that people are to create is not there.</summary>
    /// <param name="cluster">Name of the cluster.</param>
    /// <param name="key">The ConfigMap.</param>
    public static Obstacle Missing(string cluster, ObjectKey key) =>
        new(Reasons.WitnessInvalid, $"Cluster {cluster} has no ConfigMap {key.Namespace}/{key.Name}. Apply config/samples/witness.yaml there.");

    /// <summary>A region with a member that does not mount the kubeconfig of the witness yet; null: there is none.</summary>
    /// <param name="group">The group.</param>
    public static string? FindUnmounted(ObservedGroup group) =>
        group.WitnessPlan.Cluster is { } cluster
            ? group
                .Members.Select(member => member.Spec.Region)
                .FirstOrDefault(region =>
                    group.Pods.GetValueOrDefault(region) is not { Count: > 0 } pods || pods.Any(pod => !ClusterAccess.IsMounted(pod, cluster))
                )
            : null;

    /// <summary>Why a witness cannot do its part now; null: it can, or there is none.</summary>
    /// <param name="group">The group.</param>
    /// <param name="reads">The voters.</param>
    /// <param name="untold">Why this operator could not tell the others by it what it sees.</param>
    public static Obstacle? FindObstacle(ObservedGroup group, IReadOnlyDictionary<string, VoterRead> reads, Obstacle? untold)
    {
        if (group.WitnessPlan is not { Voter: { } voter, Cluster: { } cluster })
            return null;
        return group.WitnessObstacle is { Reason: Reasons.KubeconfigMissing or Reasons.KubeconfigInvalid } access ? access
            : reads.GetValueOrDefault(voter) is not { } read ? null
            : read is { Failure: { } failure }
                ? new Obstacle(
                    read.Map is not null ? Reasons.WitnessInvalid
                        : read.IsRefusal ? Reasons.AccessDenied
                        : Reasons.ClusterUnreachable,
                    failure
                )
            : read.Map is null ? Missing(cluster, Witness.PlaceOf(group.Region, cluster).Key)
            : group.WitnessObstacle ?? untold;
    }

    /// <summary>The condition; null: the group has no witness, and wants none.</summary>
    /// <param name="group">The group.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="reads">The voters.</param>
    /// <param name="now">The time on the controller's clock.</param>
    public static (bool? Status, string Reason, string Message)? Judge(
        ObservedGroup group,
        FailoverMemory memory,
        IReadOnlyDictionary<string, VoterRead> reads,
        TimeSpan now
    )
    {
        if (group.WitnessPlan.Obstacle is { } unused)
            return (false, unused.Reason, unused.Message);
        var voters = memory.Known?.Value.Voters;
        if (group.WitnessPlan is not { Voter: { } voter, Cluster: { } cluster })
            return voters?.All.FirstOrDefault(Witness.IsOne) is { } leaving
                ? (null, Reasons.WitnessChanges, $"Cluster {Witness.ClusterOf(leaving)} leaves the votes as soon as those of all regions can be read.")
                : null;
        if (FindObstacle(group, reads, memory.WitnessUntold) is { } obstacle && !(now - memory.WitnessAt < Patience))
            return (false, obstacle.Reason, obstacle.Message);
        if (voters is null)
            return (null, Reasons.NotVoting, "The regions have not agreed on anything yet.");
        if (!voters.All.Contains(voter, StringComparer.Ordinal))
            return (
                null,
                Reasons.WitnessChanges,
                FindUnmounted(group) is { } region
                    ? $"The members of region {region} do not have the kubeconfig of cluster {cluster} yet. They get it when they are replaced."
                    : $"Cluster {cluster} joins the votes."
            );
        return voters.Next is not null || reads.GetValueOrDefault(voter) is { IsMissing: true }
            ? (null, Reasons.WitnessChanges, $"Cluster {cluster} has joined the votes, and gets its own a minute later.")
            : (true, Reasons.AsExpected, $"Cluster {cluster} votes. If one of the two clusters that run regions is lost, most votes are left.");
    }
}
