namespace UrlShortener.Load.Soak;

/// <summary>A straight line through points, by least squares.</summary>
/// <param name="Slope">Its slope.</param>
/// <param name="StandardError">The standard error of the slope, from how far the points lie from the line.</param>
/// <param name="Points">How many points it goes through.</param>
internal sealed record Trend(double Slope, double StandardError, int Points)
{
    /// <summary>The fewest points for which a standard error says something.</summary>
    public const int FewestPoints = 6;

    // One-sided 99.9 % points of Student's t distribution, from 4 degrees of freedom.
    private static readonly double[] Quantiles = [7.173, 5.893, 5.208, 4.785, 4.501, 4.297, 4.144, 4.025, 3.930, 3.852, 3.787];

    /// <summary>The slope is above this with a probability of 99.9 %, if the points scatter independently.</summary>
    public double LowerLimit => Slope - Quantile * StandardError;

    private double Quantile => Quantiles[Math.Clamp(Points - FewestPoints, 0, Quantiles.Length - 1)];

    /// <summary>Null when there are too few points.</summary>
    public static Trend? Fit(IReadOnlyList<(double X, double Y)> points)
    {
        if (points.Count < FewestPoints)
            return null;
        var (meanX, meanY) = (points.Average(point => point.X), points.Average(point => point.Y));
        var squares = points.Sum(point => (point.X - meanX) * (point.X - meanX));
        var slope = points.Sum(point => (point.X - meanX) * (point.Y - meanY)) / squares;
        var rest = points.Sum(point => Math.Pow(point.Y - meanY - slope * (point.X - meanX), 2));
        return new Trend(slope, Math.Sqrt(rest / (points.Count - 2) / squares), points.Count);
    }
}
