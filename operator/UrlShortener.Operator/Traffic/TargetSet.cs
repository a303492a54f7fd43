namespace UrlShortener.Operator.Traffic;

/// <summary>The regions to which visitors are sent. It is never empty once a region has served. Pure.</summary>
/// <param name="Weights">Weight by region, above 0; empty: no region has served yet.</param>
/// <param name="IsPanic">Whether no region may get visitors, so that those that had them last keep them.</param>
internal sealed record TargetSet(IReadOnlyDictionary<string, int> Weights, bool IsPanic)
{
    /// <summary>Nothing to say.</summary>
    public static readonly TargetSet None = new(new Dictionary<string, int>(), false);

    /// <summary>The set of some regions.</summary>
    /// <param name="members">The regions that could be in it.</param>
    /// <param name="now">The time.</param>
    public static TargetSet Of(IReadOnlyList<TrafficMember> members, DateTimeOffset now)
    {
        var present = members.Where(member => member.IsIn || Surge.IsAwaited(member, members, now)).ToList();
        if (present.Count > 0)
            return new TargetSet(present.ToDictionary(member => member.Name, member => member.Spec.Weight), false);
        var served = members.Where(member => member.HasServed).ToList();
        if (served.Count == 0)
            return None;
        // Regions that fail at the same moment may each have left before one saw that the other does too.
        var last = served.Where(member => member.LastWeight > 0).ToList();
        return new TargetSet(
            (last.Count > 0 ? last : served).ToDictionary(
                member => member.Name,
                member => member.LastWeight > 0 ? member.LastWeight : Math.Max(1, member.Spec.Weight)
            ),
            true
        );
    }

    /// <summary>The weight of a region; 0: it is not in the set.</summary>
    public int WeightOf(string region) => Weights.GetValueOrDefault(region);
}
