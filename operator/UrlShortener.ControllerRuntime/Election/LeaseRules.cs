using k8s.Models;

namespace UrlShortener.ControllerRuntime.Election;

/// <summary>Decisions of a candidate about a lease.</summary>
internal static class LeaseRules
{
    /// <summary>The longest duration that a candidate respects. Somebody who edits the lease by hand must not stop the operator for years.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Whether a candidate may take the lease: it is its own, has no holder, or was not renewed for the duration that its holder set. Times in the lease do not
    /// count, since clocks differ; only the time for which this machine saw it unchanged does.
    /// </summary>
    /// <param name="spec">The current lease.</param>
    /// <param name="identity">The candidate.</param>
    /// <param name="unchangedFor">How long the candidate has seen it unchanged.</param>
    /// <param name="ownDuration">Duration to assume if the lease has none.</param>
    public static bool MayTake(V1LeaseSpec? spec, string identity, TimeSpan unchangedFor, TimeSpan ownDuration)
    {
        if (string.IsNullOrEmpty(spec?.HolderIdentity) || spec.HolderIdentity == identity)
            return true;
        return TakeableIn(spec, unchangedFor, ownDuration) <= TimeSpan.Zero;
    }

    /// <summary>Time until a candidate may take another holder's lease without a renewal; zero or less: now. Parameters as for <see cref="MayTake"/>.</summary>
    public static TimeSpan TakeableIn(V1LeaseSpec? spec, TimeSpan unchangedFor, TimeSpan ownDuration) =>
        (spec?.LeaseDurationSeconds is > 0 and var seconds ? TimeSpan.FromSeconds(Math.Min(seconds, Longest.TotalSeconds)) : ownDuration) - unchangedFor;

    /// <summary>The lease that a holder writes.</summary>
    public static V1LeaseSpec Take(V1LeaseSpec? former, string identity, TimeSpan duration, DateTime now)
    {
        var isOurs = former?.HolderIdentity == identity;
        return new V1LeaseSpec
        {
            HolderIdentity = identity,
            LeaseDurationSeconds = (int)duration.TotalSeconds,
            AcquireTime = isOurs ? former!.AcquireTime : now,
            RenewTime = now,
            LeaseTransitions = Count(former?.LeaseTransitions) + (isOurs || former is null ? 0 : 1),
        };
    }

    /// <summary>The released lease, without a holder. Newer servers refuse an empty name.</summary>
    public static V1LeaseSpec Release(V1LeaseSpec former, DateTime now) =>
        new()
        {
            HolderIdentity = null,
            LeaseDurationSeconds = 1,
            AcquireTime = former.AcquireTime,
            RenewTime = now,
            LeaseTransitions = former.LeaseTransitions,
        };

    // The server refuses a negative number.
    private static int Count(int? transitions) => transitions is > 0 and < int.MaxValue ? transitions.Value : 0;
}
