namespace UrlShortener.Operator.Failover;

/// <summary>
/// The right of a region to write, which its guards take from the voters and which ends by itself. A guard reads the voters every few seconds; a reading that
/// shows the region as the writer gives the right for <see cref="Duration"/>, counted on the guard's own monotonic clock from before the reading began. A decision
/// against the region is chosen by a quorum, and each quorum of a later reading has a voter of it. So all leases end within <see cref="Duration"/> of such a
/// decision, whatever is cut off, and no clocks need to agree; they must only run at nearly the same rate, for which others wait <see cref="Margin"/> longer.
/// Pure.
/// </summary>
/// <param name="Epoch">Epoch of the latest record that the guard has seen.</param>
/// <param name="Ends">Time on the guard's clock until which the region may write; null: it may not.</param>
internal sealed record WriteLease(long Epoch, TimeSpan? Ends)
{
    /// <summary>How long a reading gives the right to write.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(20);

    /// <summary>How much longer than <see cref="Duration"/> others wait: clocks that run at different rates, and a guard that acts late.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    /// <summary>A guard that has just started.</summary>
    public static readonly WriteLease None = new(0, null);

    /// <summary>Whether the region may write.</summary>
    /// <param name="now">Time on the guard's clock.</param>
    /// <param name="runsOut">Whether the right ends by itself, so that others may count on it; otherwise only a decision against the region ends it.</param>
    public bool IsHeld(TimeSpan now, bool runsOut = true) => runsOut ? Ends > now : Ends is not null;

    /// <summary>The lease after a reading of the voters.</summary>
    /// <param name="region">The guard's region.</param>
    /// <param name="began">Time on the guard's clock before the first voter was asked.</param>
    /// <param name="reads">The voters that answered.</param>
    public WriteLease Renew(string region, TimeSpan began, IReadOnlyDictionary<string, VoterRecord> reads) =>
        ChosenRecord.Find(reads) switch
        {
            // A reading that began earlier may arrive later.
            { Value: var record } when record.Epoch >= Epoch => new WriteLease(
                record.Epoch,
                !record.Allows(region) ? null
                    : record.Epoch == Epoch && Ends is { } ends && ends > began + Duration ? ends
                    : began + Duration
            ),
            _ => this,
        };
}
