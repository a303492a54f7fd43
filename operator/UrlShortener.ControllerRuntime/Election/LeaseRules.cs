using k8s.Models;

namespace UrlShortener.ControllerRuntime.Election;

/// <summary>What a candidate does about a lease that it sees.</summary>
internal static class LeaseRules
{
    /// <summary>
    /// Whether a candidate may write itself into the lease: it is its own, nobody's, or was not renewed for as long as its holder promised. Times written
    /// in the lease do not count, since clocks differ; only how long it stayed the same before this machine's eyes does.
    /// </summary>
    /// <param name="spec">The lease as it is.</param>
    /// <param name="identity">The candidate.</param>
    /// <param name="unchangedFor">How long the candidate has seen it so.</param>
    /// <param name="ownDuration">Duration to assume when the lease has none.</param>
    public static bool MayTake(V1LeaseSpec? spec, string identity, TimeSpan unchangedFor, TimeSpan ownDuration)
    {
        if (string.IsNullOrEmpty(spec?.HolderIdentity) || spec.HolderIdentity == identity)
            return true;
        return TakeableIn(spec, unchangedFor, ownDuration) <= TimeSpan.Zero;
    }

    /// <summary>How long until a lease that somebody else holds may be taken, if it is not renewed; zero or less: now. Parameters as for <see cref="MayTake"/>.</summary>
    public static TimeSpan TakeableIn(V1LeaseSpec? spec, TimeSpan unchangedFor, TimeSpan ownDuration) =>
        (spec?.LeaseDurationSeconds is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : ownDuration) - unchangedFor;

    /// <summary>The lease as its holder writes it.</summary>
    public static V1LeaseSpec Take(V1LeaseSpec? former, string identity, TimeSpan duration, DateTime now)
    {
        var isOurs = former?.HolderIdentity == identity;
        return new V1LeaseSpec
        {
            HolderIdentity = identity,
            LeaseDurationSeconds = (int)duration.TotalSeconds,
            AcquireTime = isOurs ? former!.AcquireTime : now,
            RenewTime = now,
            LeaseTransitions = (former?.LeaseTransitions ?? 0) + (isOurs || former is null ? 0 : 1),
        };
    }

    /// <summary>The lease as its holder leaves it: without a holder. An empty name would be refused by newer servers.</summary>
    public static V1LeaseSpec Release(V1LeaseSpec former, DateTime now) => new()
    {
        HolderIdentity = null,
        LeaseDurationSeconds = 1,
        AcquireTime = former.AcquireTime,
        RenewTime = now,
        LeaseTransitions = former.LeaseTransitions,
    };
}
