using FsCheck.Xunit;
using UrlShortener.Load.Soak;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Load;

/// <summary>Synthetic leaks are found; noise, collections and steps are not accused.</summary>
public sealed class FlatnessTests
{
    private const double Bound = 10;
    private const int Samples = 200;

    [Fact]
    public void Fit_PointsOnALine_FindsItsSlopeWithoutError()
    {
        var trend = Trend.Fit([.. Enumerable.Range(0, 10).Select(i => ((double)i, 5 + 3.0 * i))]);

        Assert.NotNull(trend);
        Assert.Equal(3, trend.Slope, 1e-9);
        Assert.Equal(0, trend.StandardError, 1e-9);
    }

    [Fact]
    public void Fit_PointsBesideALine_HasTheErrorOfTheTextbook()
    {
        // y = x with residuals +1 -1 -1 +1 -1 +1 +1 -1, which lean to neither side: the sum of their squares is 8, that of x around its mean 42.
        double[] rest = [1, -1, -1, 1, -1, 1, 1, -1];
        var trend = Trend.Fit([.. rest.Select((value, i) => ((double)i, i + value))]);

        Assert.NotNull(trend);
        Assert.Equal(1, trend.Slope, 1e-9);
        Assert.Equal(Math.Sqrt(8.0 / 6 / 42), trend.StandardError, 1e-9);
        Assert.Equal(1 - 5.208 * trend.StandardError, trend.LowerLimit, 1e-9);
    }

    [Property(MaxTest = 300)]
    public void Judge_LeakOfTwiceTheBoundInNoise_IsFound(int seed) =>
        Assert.False(Judge(share => 100 + 2 * Bound * share, noise: 8, seed, lowest: false).IsFlat);

    [Property(MaxTest = 300)]
    public void Judge_LeakUnderASawtooth_IsFound(int seed) =>
        Assert.False(Judge(share => 100 + 2 * Bound * share + 40 * Sawtooth(share, teeth: 37), noise: 1, seed, lowest: true).IsFlat);

    [Property(MaxTest = 300)]
    public void Judge_NoiseAlone_IsFlat(int seed) => Assert.True(Judge(_ => 100, noise: 30, seed, lowest: false).IsFlat);

    [Property(MaxTest = 100)]
    public void Judge_SawtoothOfACollector_IsFlat(byte teeth, int seed) =>
        Assert.True(Judge(share => 100 + 40 * Sawtooth(share, 5 + teeth % 60), noise: 3, seed, lowest: true).IsFlat);

    [Property(MaxTest = 100)]
    public void Judge_SlowSawtooth_IsFlat(int seed) => Assert.True(Judge(share => 100 + 20 * Sawtooth(share + 0.25, 2), noise: 3, seed, lowest: true).IsFlat);

    [Property(MaxTest = 100)]
    public void Judge_OneStepWithinTheBound_IsFlat(byte place, int seed) =>
        Assert.True(Judge(share => share < place / 256.0 ? 100 : 100 + Bound / 2, noise: 1, seed, lowest: false).IsFlat);

    [Property(MaxTest = 100)]
    public void Judge_ConnectionsOfAPause_AreFlat(byte place, int seed) =>
        Assert.True(Judge(share => Math.Abs(share - place / 256.0) < 0.06 ? 110 : 10, noise: 2, seed, lowest: true).IsFlat);

    [Property(MaxTest = 100)]
    public void Judge_GrowthWithinTheBound_IsFlat(int seed) => Assert.True(Judge(share => 100 + 0.9 * Bound * share, noise: 5, seed, lowest: false).IsFlat);

    [Fact]
    public void Judge_NoSamplesOrTooFew_IsNotFlat()
    {
        Assert.False(Flatness.Judge("x", "", [], lowest: false, Bound).IsFlat);
        Assert.False(Flatness.Judge("x", "", [(0, 1), (1, 1), (2, 1)], lowest: false, Bound).IsFlat);
    }

    [Fact]
    public void Judge_SamplesThatPausedForAWhile_StillFindsTheLeak()
    {
        var samples = Enumerable.Range(0, Samples).Where(i => i is < 60 or > 110).Select(i => ((double)i, 100 + 4.0 * Bound * i / Samples)).ToList();

        Assert.False(Flatness.Judge("x", "", samples, lowest: true, Bound).IsFlat);
    }

    private static Flatness Judge(Func<double, double> value, double noise, int seed, bool lowest) =>
        Flatness.Judge(
            "x",
            "",
            [.. Enumerable.Range(0, Samples).Select(i => (i / 2.0, value(i / (double)Samples) + noise * Noise((uint)(seed * 1_000_003L + i))))],
            lowest,
            Bound
        );

    private static double Sawtooth(double share, int teeth) => share * teeth % 1;

    /// <summary>From -0.5 to 0.5, another for each number.</summary>
    private static double Noise(uint number)
    {
        number = (number ^ (number >> 16)) * 0x45D9F3B;
        number = (number ^ (number >> 16)) * 0x45D9F3B;
        return (number ^ (number >> 16)) / (double)uint.MaxValue - 0.5;
    }
}
