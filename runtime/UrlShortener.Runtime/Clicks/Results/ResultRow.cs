namespace UrlShortener.Runtime.Clicks.Results;

/// <summary>One result. Which members count depends on its kind.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Minute">The minute that it is about, UTC.</param>
/// <param name="ShortCode">The code; empty for a flood by a visitor.</param>
internal sealed record ResultRow(ResultKind Kind, DateTimeOffset Minute, string ShortCode)
{
    /// <summary>Address hash of the visitor of a flood; empty: it is a flood of a link.</summary>
    public string Visitor { get; init; } = "";

    /// <summary>Clicks by people in the minute, or in the hour of a trend; all clicks in the minute of a flood.</summary>
    public long Clicks { get; init; }

    /// <summary>Clicks by machines in the minute.</summary>
    public long Bots { get; init; }

    /// <summary>Last click of the minute.</summary>
    public DateTimeOffset LastAt { get; init; }

    /// <summary>Usual clicks in an hour (of a trend), or in a minute (of a flood).</summary>
    public double Usual { get; init; }
}
