using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>A move of the primary role from one member to another, as the operator saw it.</summary>
/// <param name="From">The former primary.</param>
/// <param name="To">The new one.</param>
/// <param name="Cause">Why: <see cref="FailoverCause.Native"/>, <see cref="FailoverCause.Assisted"/> or <see cref="FailoverCause.Planned"/>.</param>
/// <param name="At">When the new primary accepted writes.</param>
/// <param name="Duration">From the moment at which the operator saw no primary; of a planned move from the request on.</param>
internal sealed record PostgresFailover(string From, string To, FailoverCause Cause, DateTimeOffset At, TimeSpan Duration)
{
    /// <summary>Follows the primary: what is remembered from now on, and the move that has just ended.</summary>
    /// <param name="memory">What was remembered.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="now">The time.</param>
    public static (PostgresMemory Memory, PostgresFailover? Ended) Track(PostgresMemory memory, ObservedPostgres observed, DateTimeOffset now)
    {
        if (memory.Switchover is { } asked && now - asked.At > PlannedSwitchover.Limit)
            memory = memory with { Switchover = null, SwitchoverNotBefore = now + PlannedSwitchover.Pause };
        if (observed.Leader is not { } primary)
            return (memory with { LostSince = memory.Primary is null ? null : memory.LostSince ?? now }, null);
        var ended =
            memory.Primary is { } former && former != primary.Name
                ? new PostgresFailover(
                    former,
                    primary.Name,
                    memory.AssistedBecause is not null ? FailoverCause.Assisted
                        : memory.Switchover?.From == former ? FailoverCause.Planned
                        : FailoverCause.Native,
                    now,
                    now - (memory.Switchover is { } planned && planned.From == former ? planned.At : memory.LostSince ?? now)
                )
                : null;
        var process = observed.PodOf(primary.Name) is { } pod ? RunningProcess.Of(pod, PostgresNames.Container) : null;
        return (
            memory with
            {
                Primary = primary.Name,
                Process = process ?? (memory.Process?.Pod == primary.Name ? memory.Process : null),
                LostSince = null,
                AssistedBecause = null,
                Switchover = ended is null ? memory.Switchover : null,
            },
            ended
        );
    }
}
