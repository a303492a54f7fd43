namespace UrlShortener.Operator.Failover;

/// <summary>What an observer, or most of them, think of a region.</summary>
internal enum Verdict
{
    /// <summary>Not enough is known.</summary>
    Unknown,

    /// <summary>The region can do what its role asks for.</summary>
    Good,

    /// <summary>It cannot.</summary>
    Bad,
}

/// <summary>
/// The probes of a region by one observer. It takes several failures in a row to change to <see cref="Verdict.Bad"/>, and more successes in a row to change back, so
/// that a region that flaps stays bad and a lost probe changes nothing. Pure.
/// </summary>
/// <param name="Verdict">The verdict.</param>
/// <param name="InRow">How many of the last probes in a row speak against it.</param>
internal sealed record HealthHistory(Verdict Verdict, int InRow)
{
    /// <summary>No probe yet.</summary>
    public static readonly HealthHistory None = new(Verdict.Unknown, 0);

    /// <summary>The history with one more probe.</summary>
    /// <param name="succeeded">Whether the probe succeeded.</param>
    /// <param name="unhealthyThreshold">Failures in a row that make the region bad.</param>
    /// <param name="healthyThreshold">Successes in a row that make a bad region good.</param>
    public HealthHistory Add(bool succeeded, int unhealthyThreshold, int healthyThreshold) =>
        (Verdict, succeeded) switch
        {
            (Verdict.Unknown, true) => new HealthHistory(Verdict.Good, 0),
            (Verdict.Good, true) or (Verdict.Bad, false) => this with { InRow = 0 },
            (Verdict.Bad, true) => InRow + 1 >= healthyThreshold ? new HealthHistory(Verdict.Good, 0) : this with { InRow = InRow + 1 },
            _ => InRow + 1 >= unhealthyThreshold ? new HealthHistory(Verdict.Bad, 0) : this with { InRow = InRow + 1 },
        };

    /// <summary>The verdict of a group about one of its regions: what most of all observers say, and at least a number of them from outside the region.</summary>
    /// <param name="region">Name of the region.</param>
    /// <param name="verdicts">Verdict of each observer, by its name; <see cref="Verdict.Unknown"/> for one that is not heard of.</param>
    /// <param name="least">Least number of observers outside the region that must agree.</param>
    public static Verdict Judge(string region, IReadOnlyDictionary<string, Verdict> verdicts, int least)
    {
        foreach (var verdict in new[] { Verdict.Bad, Verdict.Good })
        {
            var who = verdicts.Where(one => one.Value == verdict).Select(one => one.Key).ToList();
            if (2 * who.Count > verdicts.Count && (verdict == Verdict.Good || who.Count(one => one != region) >= least))
                return verdict;
        }

        return Verdict.Unknown;
    }
}
