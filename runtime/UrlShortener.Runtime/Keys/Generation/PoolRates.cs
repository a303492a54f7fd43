namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>State of the region's pool at a moment when none of this service's batches was under way.</summary>
/// <param name="At">Time since any fixed moment.</param>
/// <param name="Level">Codes in the pool.</param>
/// <param name="Pooled">Codes that this service has put into the pool since it started, without those of adopted batches.</param>
internal readonly record struct PoolSample(TimeSpan At, long Level, long Pooled);

/// <summary>Rates over a period, computed from samples of the pool. Pure.</summary>
/// <param name="GeneratedPerSecond">Codes that this service generated and put into the pool.</param>
/// <param name="ConsumedPerSecond">
/// Codes that all processes took out: the fall of the level plus what this service put in. Additions of other services are not visible. A period between two
/// samples in which the level rose by more than this service put in is left out, because it says nothing about consumption. So the figure is exact with one
/// service, and a lower bound with several services or while batches are adopted.
/// </param>
/// <param name="SecondsToExhaustion">Time until the level is 0 if it keeps falling at the same rate; null if it did not fall.</param>
internal readonly record struct PoolRates(double GeneratedPerSecond, double ConsumedPerSecond, double? SecondsToExhaustion)
{
    /// <summary>Computes the rates from samples in their order; all zero with fewer than two.</summary>
    public static PoolRates Of(IReadOnlyCollection<PoolSample> samples)
    {
        if (samples.Count == 0)
            return default;
        var (first, last) = (samples.First(), samples.Last());
        var seconds = (last.At - first.At).TotalSeconds;
        var fall = seconds > 0 ? (first.Level - last.Level) / seconds : 0;
        return new PoolRates(
            seconds > 0 ? (last.Pooled - first.Pooled) / seconds : 0,
            Consumption(samples),
            last.Level == 0 ? 0
                : fall > 0 ? last.Level / fall
                : null
        );
    }

    private static double Consumption(IReadOnlyCollection<PoolSample> samples)
    {
        var (codes, seconds) = (0L, 0.0);
        foreach (var (before, after) in samples.Zip(samples.Skip(1)))
        {
            var taken = before.Level - after.Level + after.Pooled - before.Pooled;
            if (taken < 0)
                continue;
            codes += taken;
            seconds += (after.At - before.At).TotalSeconds;
        }

        return seconds > 0 ? codes / seconds : 0;
    }
}
