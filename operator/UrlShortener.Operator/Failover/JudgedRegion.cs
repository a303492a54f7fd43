namespace UrlShortener.Operator.Failover;

/// <summary>What all observers together think of a region. Pure.</summary>
/// <param name="Verdict">The verdict of most.</param>
/// <param name="BadSince">Since when without interruption it is bad; null: it is not.</param>
/// <param name="GoodSince">Since when it is good and no probe of this operator has failed; null: it is not, or one has.</param>
internal sealed record JudgedRegion(Verdict Verdict, TimeSpan? BadSince, TimeSpan? GoodSince = null)
{
    /// <summary>Nothing is known.</summary>
    public static readonly JudgedRegion None = new(Verdict.Unknown, null);

    /// <summary>The judgement after a look. In one cluster, its operator is the only observer.</summary>
    /// <param name="region">Name of the region.</param>
    /// <param name="group">The group.</param>
    /// <param name="memory">The own probes, and what others told.</param>
    /// <param name="now">The time.</param>
    public static JudgedRegion Of(string region, ObservedGroup group, FailoverMemory memory, TimeSpan now)
    {
        var own = memory.Probes.GetValueOrDefault(region, ProbeHistory.None);
        if (!group.HasRemotes)
            return new JudgedRegion(own.History.Verdict, own.BadSince, own.GoodSince);
        var clusters = group.Members.Select(member => group.ClusterOf(member.Spec.Region)).Distinct(StringComparer.Ordinal).ToList();
        var verdicts = new Dictionary<string, Verdict>(StringComparer.Ordinal);
        // With two clusters nobody else sees the one that is lost. Its operator would be heard of by the witness if only the way between the clusters were cut: one
        // that is silent there too does not count.
        var isWitnessed = clusters.Count == 2 && group.ToldByWitness is not null && memory.Known?.Value.Voters.All.Any(Witness.IsOne) == true;
        foreach (var cluster in clusters)
        {
            var heard = HeardObserver.Latest(memory.Heard.GetValueOrDefault(cluster), isWitnessed ? memory.HeardByWitness.GetValueOrDefault(cluster) : null);
            if (cluster == group.OwnCluster)
                verdicts[cluster] = own.History.Verdict;
            else if (!isWitnessed || heard?.IsSilent(now) == false)
                verdicts[cluster] = heard?.VerdictOf(region, now) ?? Verdict.Unknown;
        }

        var verdict = HealthHistory.Judge(group.ClusterOf(region), verdicts, LeastOutside(clusters.Count));
        var former = memory.Judged.GetValueOrDefault(region, None);
        return new JudgedRegion(
            verdict,
            verdict == Verdict.Bad ? former.BadSince ?? now : null,
            verdict == Verdict.Good && own.GoodSince is not null ? former.GoodSince ?? now : null
        );
    }

    /// <summary>How many observers outside of a region's cluster must find it bad.</summary>
    /// <param name="clusters">Number of clusters.</param>
    public static int LeastOutside(int clusters) => Math.Min(2, clusters - 1);
}
