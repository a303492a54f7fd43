namespace UrlShortener.Load.Soak;

/// <summary>
/// Whether something of a process stayed as it was. The samples are cut into blocks of equal time, and each block gives one point: neighbouring samples are
/// alike, and a line through all of them would have an error that is far too small. The lowest sample of a block may stand for it: what
/// remained of memory after a collection, and what remained of connections after a pause of the machine.
/// </summary>
/// <param name="Name">What was sampled.</param>
/// <param name="Unit">Unit of the figures.</param>
/// <param name="Growth">The slope times the length of the run: null when there were too few samples.</param>
/// <param name="Error">The standard error of the growth.</param>
/// <param name="LowerLimit">The growth is above this with a probability of 99.9 %.</param>
/// <param name="Bound">The growth that is allowed.</param>
internal sealed record Flatness(string Name, string Unit, double? Growth, double Error, double LowerLimit, double Bound)
{
    /// <summary>Points that the line goes through.</summary>
    public const int Blocks = 12;

    /// <summary>False when the growth is above the bound beyond doubt, or when nothing is known.</summary>
    public bool IsFlat => Growth is not null && LowerLimit <= Bound;

    /// <summary>Judges samples, each a time in seconds and a value, in order of time.</summary>
    public static Flatness Judge(string name, string unit, IReadOnlyList<(double Seconds, double Value)> samples, bool lowest, double bound)
    {
        if (samples.Count == 0)
            return new Flatness(name, unit, null, 0, 0, bound);
        var (first, length) = (samples[0].Seconds, samples[^1].Seconds - samples[0].Seconds);
        var points = samples
            .GroupBy(sample => Math.Min(Blocks - 1, (int)((sample.Seconds - first) / Math.Max(length, double.Epsilon) * Blocks)))
            .Select(block => lowest ? block.MinBy(sample => sample.Value) : (block.Average(sample => sample.Seconds), block.Average(sample => sample.Value)))
            .ToList();
        return Trend.Fit(points) is { } trend
            ? new Flatness(name, unit, trend.Slope * length, trend.StandardError * length, trend.LowerLimit * length, bound)
            : new Flatness(name, unit, null, 0, 0, bound);
    }
}
