using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// Moves the primary away from a volume without room. PostgreSQL refuses writes there for up to a checkpoint's interval (5 minutes) before it ends, and only
/// then would another member be elected. Pure.
/// </summary>
internal static class VolumeRelief
{
    /// <summary>The move, to a member with room that can become the primary without the loss of a write; null: none is needed, or possible.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="members">The members that may become the primary.</param>
    /// <param name="now">The time.</param>
    public static RolloutStep.Switchover? Next(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        PostgresMemory memory,
        IReadOnlyList<string> members,
        DateTimeOffset now
    )
    {
        if (observed.Primary is not { } primary || RoomOf(observed, primary.Name) is not { IsFull: true })
            return null;
        if (memory.Switchover is not null || (memory.SwitchoverNotBefore is { } notBefore && now < notBefore))
            return null;
        return PostgresRollout.FindTarget(region, observed, members.Where(name => RoomOf(observed, name) is { IsLow: false })) is { } target
            ? new RolloutStep.Switchover(primary.Name, target, "its volume is full")
            : null;
    }

    private static VolumeRoom? RoomOf(ObservedPostgres observed, string member) => observed.PodOf(member) is { } pod ? VolumeRoom.Of(pod) : null;
}
