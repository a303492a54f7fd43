using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Failover;

namespace UrlShortener.Operator.Traffic;

/// <summary>The looks at the pods of a region. Pure.</summary>
/// <param name="History">What they found.</param>
/// <param name="LastAt">When the last one that counts was; null: none yet.</param>
/// <param name="Pod">The pod that answered last; null: none.</param>
internal sealed record TrafficLooks(HealthHistory History, DateTimeOffset? LastAt = null, string? Pod = null)
{
    /// <summary>Where another process, or this one before a restart, has left off.</summary>
    public static TrafficLooks Of(TrafficStatus? status) =>
        new(
            status?.Serves switch
            {
                true => new HealthHistory(Verdict.Good, 0),
                false => new HealthHistory(Verdict.Bad, 0),
                null => HealthHistory.None,
            }
        );

    /// <summary>Whether pods serve; null: they never have.</summary>
    public bool? Serves =>
        History.Verdict switch
        {
            Verdict.Good => true,
            Verdict.Bad => false,
            _ => null,
        };

    /// <summary>Whether a look now counts.</summary>
    public bool IsDue(DateTimeOffset now, TrafficTiming timing) => LastAt is not { } last || now - last >= timing.LeastPause;

    /// <summary>The looks with one more. A region that has never served fails at nothing: it gets visitors with its first good look.</summary>
    /// <param name="pod">The pod that answers; null: none does.</param>
    /// <param name="now">When.</param>
    /// <param name="timing">How many looks decide.</param>
    public TrafficLooks Add(string? pod, DateTimeOffset now, TrafficTiming timing) =>
        new(
            pod is null && History.Verdict == Verdict.Unknown ? History : History.Add(pod is not null, timing.FailuresToLeave, timing.SuccessesToReturn),
            now,
            pod ?? Pod
        );
}
