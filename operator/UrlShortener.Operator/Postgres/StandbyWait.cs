namespace UrlShortener.Operator.Postgres;

/// <summary>A standby region that receives nothing. Pure.</summary>
/// <param name="Received">Up to where it has received changes; null: not known.</param>
/// <param name="StreamingSince">Since when it says that it receives some, at every look; null: it did not at the last one.</param>
internal sealed record StandbyWait(long? Received, DateTimeOffset? StreamingSince)
{
    // One whose part of the log is gone begins to stream twice a second, and ends at once.
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(5);

    /// <summary>Whether the region receives nothing; null: it does, or has no leader.</summary>
    /// <param name="observed">The observed state.</param>
    /// <param name="former">What was remembered.</param>
    /// <param name="now">The time.</param>
    public static StandbyWait? Track(ObservedPostgres observed, StandbyWait? former, DateTimeOffset now)
    {
        if (observed is not { IsStandby: true, Leader.Member: { } leader })
            return null;
        var received = leader.Position?.Received;
        if (leader.ReplicationState != "streaming")
            return new StandbyWait(received, null);
        return former is null || received > former.Received || now - former.StreamingSince >= Doubt
            ? null
            : former with
            {
                StreamingSince = former.StreamingSince ?? now,
            };
    }
}
