using HdrHistogram;

namespace UrlShortener.Load.OpenModel;

/// <summary>Latencies in milliseconds, from the intended start of each request. All are 0 where <paramref name="Count"/> is.</summary>
internal sealed record LatencySummary(long Count, double P50, double P95, double P99, double Most)
{
    /// <summary>The highest latency that a histogram holds, in microseconds; longer ones count as this one.</summary>
    public const long MostMicroseconds = 10L * 60 * 1_000_000;

    private const int SignificantDigits = 3;

    /// <summary>An empty histogram of microseconds that many threads may record in.</summary>
    public static HistogramBase NewHistogram() => new LongConcurrentHistogram(1, MostMicroseconds, SignificantDigits);

    /// <summary>The figures of all <paramref name="histograms"/> together.</summary>
    public static LatencySummary Of(params IEnumerable<HistogramBase> histograms)
    {
        var all = new LongHistogram(1, MostMicroseconds, SignificantDigits);
        foreach (var histogram in histograms)
            all.Add(histogram);
        return all.TotalCount == 0
            ? new LatencySummary(0, 0, 0, 0, 0)
            : new LatencySummary(all.TotalCount, At(50), At(95), At(99), Milliseconds(all.GetMaxValue()));

        double At(double percentile) => Milliseconds(all.GetValueAtPercentile(percentile));
    }

    /// <summary>Records a latency.</summary>
    public static void Record(HistogramBase histogram, TimeSpan latency) =>
        histogram.RecordValue(Math.Clamp((long)latency.TotalMicroseconds, 1, MostMicroseconds));

    private static double Milliseconds(long microseconds) => microseconds / 1e3;
}
