namespace UrlShortener.Load;

/// <summary>All rounds under one load. A ratio is the median of the rounds' own ratios, since only neighbours in time compare.</summary>
internal sealed record Comparison(LoadProfile Load, IReadOnlyList<Round> Rounds)
{
    public Spread FloorRate => Spread.Of(Rounds.Select(round => round.Floor.RequestsPerSecond));

    public Spread ProductRate => Spread.Of(Rounds.Select(round => round.Product.RequestsPerSecond));

    public Spread RateRatio => Spread.Of(Rounds.Select(round => round.RateRatio));

    public Spread FloorP50 => Spread.Of(Rounds.Select(round => (double)round.Floor.P50Microseconds));

    public Spread ProductP50 => Spread.Of(Rounds.Select(round => (double)round.Product.P50Microseconds));

    public Spread FloorP99 => Spread.Of(Rounds.Select(round => (double)round.Floor.P99Microseconds));

    public Spread ProductP99 => Spread.Of(Rounds.Select(round => (double)round.Product.P99Microseconds));

    public Spread P99Ratio => Spread.Of(Rounds.Select(round => round.P99Ratio));
}
