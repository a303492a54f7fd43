namespace UrlShortener.Operator.Failover;

/// <summary>Limits of automatic moves, so that a fault that the regions share does not send the write role around. Pure.</summary>
/// <param name="Cooldown">Least time between two automatic moves.</param>
/// <param name="PerDay">Most automatic moves in 24 hours.</param>
internal sealed record MoveLimits(TimeSpan Cooldown, int PerDay)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>When the next automatic move is allowed.</summary>
    /// <param name="moves">The last automatic moves, in seconds since 1970, oldest first.</param>
    /// <param name="now">The time.</param>
    public DateTimeOffset NextAllowed(IReadOnlyList<long> moves, DateTimeOffset now)
    {
        // Clocks of clusters differ. One that was wrong by more than that, and is right again, must not forbid all moves until then.
        moves = [.. moves.Where(move => DateTimeOffset.FromUnixTimeSeconds(move) - now <= Day)];
        var afterCooldown = moves.Count > 0 ? DateTimeOffset.FromUnixTimeSeconds(moves[^1]) + Cooldown : DateTimeOffset.MinValue;
        var afterDay = moves.Count >= PerDay ? DateTimeOffset.FromUnixTimeSeconds(moves[^PerDay]) + Day : DateTimeOffset.MinValue;
        return afterCooldown > afterDay ? afterCooldown : afterDay;
    }

    /// <summary>The list with one more move; only as long as the limits need it.</summary>
    /// <param name="moves">The moves before.</param>
    /// <param name="now">The time of the new one.</param>
    public IReadOnlyList<long> Add(IReadOnlyList<long> moves, DateTimeOffset now) => [.. moves.Append(now.ToUnixTimeSeconds()).TakeLast(PerDay)];
}
