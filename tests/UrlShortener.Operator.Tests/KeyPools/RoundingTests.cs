using FsCheck.Xunit;
using UrlShortener.Operator.KeyPools;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

public sealed class RoundingTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(99, 99)]
    [InlineData(109, 100)]
    [InlineData(871_200, 870_000)]
    [InlineData(long.MaxValue, 9_200_000_000_000_000_000)]
    public void TwoDigits_Number_KeepsTheTwoFirst(long value, long rounded) => Assert.Equal(rounded, Rounding.TwoDigits(value));

    [Property]
    public bool TwoDigits_AnyNumber_IsOffByLessThanATenthAndStays(uint value) =>
        Rounding.TwoDigits(value) is var rounded && rounded <= value && value - rounded <= value * 0.1 && Rounding.TwoDigits(rounded) == rounded;

    /// <summary>While the pool falls at the same rate, what is told does not change.</summary>
    [Property]
    public bool Exhaustion_TimeGoesOnAsForeseen_StaysAsItIs(ushort minutes, ushort later)
    {
        var left = TimeSpan.FromMinutes(minutes % 10_000) + TimeSpan.FromMinutes(10);
        var passed = TimeSpan.FromSeconds(later % (int)left.TotalSeconds);
        var first = Rounding.Exhaustion(left.TotalSeconds, null, Now);
        return Rounding.Exhaustion((left - passed).TotalSeconds, first, Now + passed) == first || first!.Value.Minute == 0 || passed > left * 0.8;
    }

    [Fact]
    public void Exhaustion_ALittleNoise_StaysAsItIs()
    {
        var first = Rounding.Exhaustion(36_000, null, Now);

        Assert.Equal(first, Rounding.Exhaustion(36_000 * 1.15, first, Now));
        Assert.NotEqual(first, Rounding.Exhaustion(36_000 * 0.5, first, Now));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(1e12)]
    public void Exhaustion_NotInSight_IsNotTold(double? seconds) => Assert.Null(Rounding.Exhaustion(seconds, Now.UtcDateTime, Now));
}
