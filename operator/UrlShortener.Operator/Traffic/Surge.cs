namespace UrlShortener.Operator.Traffic;

/// <summary>
/// Pods that a region needs because it gets the visitors of regions that leave. An autoscaler sees their load a quarter of a minute late and adds pods by and by;
/// as many as served them before are asked for at once. Pure.
/// </summary>
internal static class Surge
{
    /// <summary>How long they are asked for. The autoscaler has seen the load long before that.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromMinutes(30);

    /// <summary>How long a drained region keeps its visitors until the others have these pods.</summary>
    public static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(60);

    /// <summary>Pods beyond the minimum of a region.</summary>
    /// <param name="self">The region.</param>
    /// <param name="members">All regions of the group that publish.</param>
    /// <param name="now">The time.</param>
    public static int PodsFor(TrafficMember self, IReadOnlyList<TrafficMember> members, DateTimeOffset now)
    {
        if (!self.IsIn)
            return 0;
        var pods = 0d;
        foreach (var left in members.Where(member => member != self && member.SharesNameWith(self) && member.Leaves(now)))
            pods +=
                (double)left.LastPods
                * self.Spec.Weight
                / members.Where(member => member.IsIn && member.SharesNameWith(left)).Sum(member => member.Spec.Weight);
        // More than its autoscaler may have is of no use, and what others say in their statuses may be any number.
        return (int)Math.Clamp(Math.Ceiling(pods), 0, self.Region.Spec.App.MaxReplicas);
    }

    /// <summary>Whether a drained region keeps its visitors for now: others that are to get them do not have the pods yet.</summary>
    /// <param name="drained">The region.</param>
    /// <param name="members">The regions that could get them.</param>
    /// <param name="now">The time.</param>
    public static bool IsAwaited(TrafficMember drained, IReadOnlyList<TrafficMember> members, DateTimeOffset now)
    {
        if (!drained.IsDraining || now - (drained.DrainedSince ?? now) >= DrainLimit)
            return false;
        return members.Any(member => member.IsIn && !HasPods(member, PodsFor(member, members, now)));
    }

    // The least that its autoscaler asks for, whatever its role.
    private static bool HasPods(TrafficMember member, int surge)
    {
        var app = member.Region.Spec.App;
        return surge == 0 || member.Region.Status?.App?.ReadyReplicas >= Math.Min(app.MaxReplicas, Math.Min(app.MinReplicas, app.StandbyMinReplicas) + surge);
    }
}
