namespace UrlShortener.Runtime.Regions;

/// <summary>Why a region takes no changes.</summary>
internal enum ReadOnlyReason
{
    /// <summary>Its database follows that of another region.</summary>
    Standby,

    /// <summary>Its database is a primary that was told to take no writes.</summary>
    Fenced,
}

/// <summary>A region that takes no changes.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Writer">The region that takes changes; null: none is known to.</param>
/// <param name="Epoch">Counts how often the role of the writing region has moved.</param>
/// <param name="Age">Age of the writing region's last sign of life, as far as it was replicated: the lag, and up to a second more.</param>
internal sealed record ReadOnlyRegion(ReadOnlyReason Reason, string? Writer, long Epoch, TimeSpan Age)
{
    /// <summary>Seconds after which a refused change may be tried again.</summary>
    public const int RetryAfterSeconds = 5;

    /// <summary>What is wrong and what to do, for a caller.</summary>
    public string Explain() =>
        Writer is null
            ? $"This region takes no changes at the moment, and no other region is known to take them. Try again in {RetryAfterSeconds} s."
            : $"This region takes no changes; the region {Writer} does. Send the change there, or try again in {RetryAfterSeconds} s.";
}

/// <summary>The row that the writing region writes about itself once a second, and that is replicated like all data.</summary>
/// <param name="Region">Its name.</param>
/// <param name="Epoch">Counts how often the role has moved.</param>
/// <param name="Age">Age of the row by the clock of the server that was asked.</param>
internal sealed record WriteRegionRow(string Region, long Epoch, TimeSpan Age);

/// <summary>What a server of the region's database says.</summary>
/// <param name="IsInRecovery">Whether it follows another server.</param>
/// <param name="RefusesWrites">Whether a transaction on it cannot write. True while it is in recovery.</param>
/// <param name="Row">The row of the writing region; null: there is none, and so no group of regions.</param>
internal readonly record struct DatabaseLook(bool IsInRecovery, bool RefusesWrites, WriteRegionRow? Row)
{
    /// <summary>Whether the region takes changes; null if it does.</summary>
    /// <param name="region">Name of the region.</param>
    /// <remarks>What the database does decides, and not the row: it is a moment behind a promotion. A database that is in recovery although its own region
    /// writes is one whose next primary is being elected; changes fail then as in a single region.</remarks>
    public ReadOnlyRegion? Decide(string region) =>
        this switch
        {
            { Row: null } or { RefusesWrites: false } => null,
            { IsInRecovery: true } when Row.Region == region => null,
            { IsInRecovery: true } => new ReadOnlyRegion(ReadOnlyReason.Standby, Row.Region, Row.Epoch, Positive(Row.Age)),
            _ => new ReadOnlyRegion(ReadOnlyReason.Fenced, Row.Region == region ? null : Row.Region, Row.Epoch, Positive(Row.Age)),
        };

    // The clocks of two regions differ.
    private static TimeSpan Positive(TimeSpan age) => age < TimeSpan.Zero ? TimeSpan.Zero : age;
}
