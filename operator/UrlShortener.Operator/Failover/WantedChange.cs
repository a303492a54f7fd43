namespace UrlShortener.Operator.Failover;

/// <summary>
/// When an operator proposes a change. Operators of several clusters find out the same at about the same time, and attempts that overtake each other all fail.
/// So they take turns: first the one of the cluster that the next step is about, then the others by name, each a little later, with a part by chance. Nobody
/// waits for the others: if one is away, the next one acts. Pure.
/// </summary>
/// <param name="Epoch">Epoch of the record that is to be.</param>
/// <param name="Phase">Its phase.</param>
/// <param name="Region">Its region.</param>
/// <param name="Since">Since when it is wanted without interruption.</param>
internal sealed record WantedChange(long Epoch, TopologyPhase Phase, string Region, TimeSpan Since)
{
    /// <summary>Time between two turns. Longer than most attempts take.</summary>
    public static readonly TimeSpan Turn = TimeSpan.FromSeconds(1.5);

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(8);

    /// <summary>The wish after a look.</summary>
    /// <param name="former">The former wish; null: none.</param>
    /// <param name="next">The record that is to be.</param>
    /// <param name="now">The time.</param>
    public static WantedChange Of(WantedChange? former, TopologyRecord next, TimeSpan now) =>
        former is not null && (former.Epoch, former.Phase, former.Region) == (next.Epoch, next.Phase, next.Region)
            ? former
            : new WantedChange(next.Epoch, next.Phase, next.Region, now);

    /// <summary>Whether it is this operator's turn.</summary>
    /// <param name="cluster">Name of its cluster.</param>
    /// <param name="first">Name of the cluster of the region that is to have the role.</param>
    /// <param name="clusters">Names of all clusters.</param>
    /// <param name="now">The time.</param>
    public bool IsTurnOf(string cluster, string first, IEnumerable<string> clusters, TimeSpan now)
    {
        var rank = clusters
            .Distinct(StringComparer.Ordinal)
            .OrderByDescending(name => name == first)
            .ThenBy(name => name, StringComparer.Ordinal)
            .ToList()
            .IndexOf(cluster);
        return now - Since >= rank * Turn;
    }

    /// <summary>How long an operator waits after attempts that others have overtaken.</summary>
    /// <param name="overtaken">Number of such attempts in a row.</param>
    /// <param name="chance">A number from 0 to 1, by chance.</param>
    public static TimeSpan PauseAfter(int overtaken, double chance)
    {
        var most = TimeSpan.FromSeconds(Math.Pow(2, Math.Min(overtaken, 4)));
        return TimeSpan.FromSeconds(0.2) + (chance * (most < Longest ? most : Longest));
    }
}
