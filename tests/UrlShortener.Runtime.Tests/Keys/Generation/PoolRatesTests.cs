using UrlShortener.Runtime.Keys.Generation;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys.Generation;

public sealed class PoolRatesTests
{
    [Fact]
    public void Of_NoSamples_IsZeroAndNoForecast() => Assert.Equal(new PoolRates(0, 0, null), PoolRates.Of([]));

    [Fact]
    public void Of_OneSample_IsZeroAndNoForecast() => Assert.Equal(new PoolRates(0, 0, null), Of((0, 500, 0)));

    [Fact]
    public void Of_ClockStandsStill_IsZeroAndNoForecast() => Assert.Equal(new PoolRates(0, 0, null), Of((0, 500, 0), (0, 400, 0)));

    [Fact]
    public void Of_FallingLevel_ForecastsItsEnd() => Assert.Equal(new PoolRates(0, 10, 80), Of((0, 1_000, 0), (10, 900, 0), (20, 800, 0)));

    [Fact]
    public void Of_OwnAdditions_CountAsConsumedWhatTheLevelDoesNotShow() =>
        Assert.Equal(new PoolRates(50, 30, null), Of((0, 100, 0), (5, 200, 250), (10, 300, 500)));

    [Fact]
    public void Of_FallsInSpiteOfAdditions_ForecastsByTheFall() => Assert.Equal(new PoolRates(10, 20, 90), Of((0, 1_000, 0), (10, 900, 100)));

    [Fact]
    public void Of_SomebodyElsePooled_LeavesTheStretchOut() =>
        Assert.Equal(new PoolRates(0, 10, null), Of((0, 500, 0), (10, 400, 0), (20, 10_000, 0), (30, 9_900, 0)));

    [Fact]
    public void Of_SteadyLevel_HasNoForecast() => Assert.Equal(new PoolRates(0, 0, null), Of((0, 500, 0), (10, 500, 0)));

    [Fact]
    public void Of_EmptyPool_IsExhaustedNow() => Assert.Equal(0, Of((0, 0, 0)).SecondsToExhaustion);

    private static PoolRates Of(params (int Second, long Level, long Pooled)[] samples) =>
        PoolRates.Of([.. samples.Select(sample => new PoolSample(TimeSpan.FromSeconds(sample.Second), sample.Level, sample.Pooled))]);
}
