using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using UrlShortener.Load.OpenModel;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Load;

/// <summary>When requests are due.</summary>
public sealed class ArrivalScheduleTests
{
    private static readonly Gen<ArrivalStage> Stages =
        from milliseconds in Gen.Choose(1, 20_000)
        from rate in Gen.OneOf(Gen.Constant(0), Gen.Choose(0, 300))
        select new ArrivalStage(TimeSpan.FromMilliseconds(milliseconds), rate);

    private static readonly Arbitrary<ArrivalSchedule> Schedules = (
        from start in Gen.Choose(0, 300)
        from count in Gen.Choose(1, 5)
        from stages in Stages.ArrayOf(count)
        select new ArrivalSchedule(start, stages)
    ).ToArbitrary();

    [Property(MaxTest = 200)]
    public Property Arrivals_AnyRamp_AsManyAsTheIntegralOfTheRateAtEachMoment() =>
        Prop.ForAll(
            Schedules,
            schedule =>
            {
                var arrivals = schedule.Arrivals().ToList();
                Assert.Equal(schedule.Count, arrivals.Count);
                Assert.Equal(schedule.Count, Enumerable.Range(0, schedule.Stages.Count).Sum(schedule.CountOf));
                foreach (var arrival in arrivals)
                {
                    Assert.InRange(arrival.At, TimeSpan.Zero, schedule.Duration);
                    // Request n is due when n have been: to within what a tick of 100 ns changes.
                    Assert.Equal(arrival.Number, Integral(schedule, arrival.At.TotalSeconds), 0.01);
                }
            }
        );

    [Property(MaxTest = 200)]
    public Property Arrivals_AnyRamp_InOrderAndInTheirStage() =>
        Prop.ForAll(
            Schedules,
            schedule =>
            {
                var arrivals = schedule.Arrivals().ToList();
                Assert.Equal(arrivals.OrderBy(arrival => arrival.At).Select(arrival => arrival.Number), arrivals.Select(arrival => arrival.Number));
                for (var stage = 0; stage < schedule.Stages.Count; stage++)
                {
                    var start = schedule.Stages.Take(stage).Sum(part => part.Duration.TotalSeconds);
                    var of = arrivals.Where(arrival => arrival.Stage == stage).ToList();
                    Assert.Equal(schedule.CountOf(stage), of.Count);
                    Assert.All(
                        of,
                        arrival => Assert.InRange(arrival.At.TotalSeconds, start - 1e-6, start + schedule.Stages[stage].Duration.TotalSeconds + 1e-6)
                    );
                }
            }
        );

    [Property(MaxTest = 100)]
    public Property Scale_AnyFactors_TimesAndRatesAreMultiplied() =>
        Prop.ForAll(
            Schedules,
            Gen.Choose(1, 200).ToArbitrary(),
            Gen.Choose(1, 200).ToArbitrary(),
            (schedule, time, rate) =>
            {
                var scaled = schedule.Scale(time / 100.0, rate / 100.0);
                Assert.Equal(schedule.Duration.TotalSeconds * time / 100, scaled.Duration.TotalSeconds, 1e-5);
                Assert.Equal(Integral(schedule, schedule.Duration.TotalSeconds) * time * rate / 10_000, scaled.Count, 1.01);
            }
        );

    [Fact]
    public void Arrivals_ConstantRate_EvenlySpaced()
    {
        var arrivals = ArrivalSchedule.Constant(4, TimeSpan.FromSeconds(2)).Arrivals().Select(arrival => arrival.At.TotalSeconds);

        Assert.Equal([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75], arrivals);
    }

    [Fact]
    public void Arrivals_RampFromNothing_TheRateGrowsEvenly()
    {
        // n = 2 t² within 2 s.
        var arrivals = new ArrivalSchedule(0, [new ArrivalStage(TimeSpan.FromSeconds(2), 8)]).Arrivals().Select(arrival => arrival.At.TotalSeconds).ToList();

        Assert.Equal(8, arrivals.Count);
        Assert.All(arrivals.Index(), item => Assert.Equal(Math.Sqrt(item.Index / 2.0), item.Item, 1e-6));
    }

    [Fact]
    public void Shorten_LongerThanAllowed_KeepsTheRates()
    {
        var schedule = ArrivalSchedule.Constant(100, TimeSpan.FromHours(4)).Shorten(TimeSpan.FromMinutes(1));

        Assert.Equal((TimeSpan.FromMinutes(1), 6_000, 100), (schedule.Duration, schedule.Count, schedule.MeanRate));
    }

    /// <summary>Requests due by a moment, stage by stage.</summary>
    private static double Integral(ArrivalSchedule schedule, double seconds)
    {
        var (sum, rate) = (0.0, schedule.StartRate);
        foreach (var stage in schedule.Stages)
        {
            var length = stage.Duration.TotalSeconds;
            var within = Math.Clamp(seconds, 0, length);
            var end = rate + (stage.Target - rate) * within / length;
            sum += (rate + end) / 2 * within;
            (seconds, rate) = (seconds - within, stage.Target);
        }

        return sum;
    }
}
