using FsCheck.Xunit;
using UrlShortener.Contracts;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Loading;
using Xunit;

namespace UrlShortener.Operator.Tests.Loading;

public sealed class LoaderCountTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;
    private static readonly LoadersSpec Spec = new() { MinReplicas = 2, MaxReplicas = 5 };

    [Property]
    public bool Next_Anything_StaysWithinTheBounds(byte current, ushort seconds, byte partitions, bool isFailing, bool isReachable, bool isKnown)
    {
        var reading = isKnown ? new LoadReading(isFailing, isReachable, partitions, TimeSpan.FromSeconds(seconds)) : null;
        return LoaderCount.Next(Spec, current, reading, new LoaderHistory(), Start).Count is >= 2 and <= 5;
    }

    /// <summary>Whatever the delays are, the number goes down at most once in ten minutes, and never within ten minutes of having gone up.</summary>
    [Property]
    public bool Next_AnyCourse_GoesDownSlowly(byte[] seconds)
    {
        var (count, history, now, changedAt) = ((int?)null, new LoaderHistory(), Start, (DateTimeOffset?)null);
        foreach (var delay in seconds)
        {
            var (next, after) = LoaderCount.Next(Spec, count, Reading(delay), history, now);
            if (next < count && changedAt is { } at && now - at < LoaderCount.CalmInterval)
                return false;
            if (next != count)
                changedAt = now;
            (count, history, now) = (next, after, now + TimeSpan.FromSeconds(90));
        }

        return true;
    }

    [Fact]
    public void Next_EventsWaitForLong_AddsOneEachMinute()
    {
        var (first, history) = LoaderCount.Next(Spec, 2, Reading(61), new LoaderHistory(), Start);
        var (soon, same) = LoaderCount.Next(Spec, first, Reading(300), history, Start + TimeSpan.FromSeconds(59));
        var (later, _) = LoaderCount.Next(Spec, soon, Reading(300), same, Start + LoaderCount.RaiseInterval);

        Assert.Equal([3, 3, 4], [first, soon, later]);
    }

    [Fact]
    public void Next_EachHasAPartition_AddsNone() =>
        Assert.Equal(3, LoaderCount.Next(Spec, 3, Reading(300) with { Partitions = 3 }, new LoaderHistory(), Start).Count);

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void Next_ServersAreAway_ChangesNothing(bool isFailing, bool isReachable)
    {
        var reading = Reading(300) with { IsFailing = isFailing, IsReachable = isReachable };

        var (count, history) = LoaderCount.Next(Spec, 3, reading, new LoaderHistory(CalmSince: Start - TimeSpan.FromHours(1)), Start);

        Assert.Equal((3, null), (count, history.CalmSince));
        Assert.Equal(3, LoaderCount.Next(Spec, 3, null, new LoaderHistory(), Start).Count);
    }

    [Fact]
    public void Next_EventsAreLoadedAtOnce_RemovesOneEachTenMinutes()
    {
        var (count, history) = LoaderCount.Next(Spec, 4, Reading(2), new LoaderHistory(Start), Start);
        Assert.Equal(4, count);

        (count, history) = LoaderCount.Next(Spec, count, Reading(2), history, Start + LoaderCount.CalmInterval);
        Assert.Equal(3, count);
        // A wait that is neither short nor long begins the time anew.
        (count, history) = LoaderCount.Next(Spec, count, Reading(30), history, Start + (1.9 * LoaderCount.CalmInterval));
        (count, _) = LoaderCount.Next(Spec, count, Reading(2), history, Start + (2 * LoaderCount.CalmInterval));
        Assert.Equal(3, count);
    }

    [Fact]
    public void Of_Answers_AreSummedUp()
    {
        var reading = LoadReading.Of([Answer(3, 10, false, "healthy"), Answer(2, 70.5, true, "degraded"), Answer(null, 0, false, "healthy")]);

        Assert.Equal(new LoadReading(true, false, 5, TimeSpan.FromSeconds(70.5)), reading);
        // One of an earlier version says nothing, and numbers that cannot be are no reason to fail.
        Assert.Null(LoadReading.Of([Answer(null, 0, false, "healthy")]));
        Assert.Equal(TimeSpan.Zero, LoadReading.Of([Answer(1, double.NaN, false, null)])!.Delay);
        Assert.True(LoadReading.Of([Answer(1, 1e300, false, null)])!.Delay > LoaderCount.LongDelay);
        Assert.True(LoadReading.Of([Answer(int.MaxValue, 0, false, null), Answer(int.MaxValue, 0, false, null)])!.Partitions > 0);
    }

    private static LoadReading Reading(int seconds) => new(IsFailing: false, IsReachable: true, 12, TimeSpan.FromSeconds(seconds));

    private static HealthResponse Answer(int? partitions, double delay, bool isFailing, string? analytics) =>
        new("healthy", new ComponentsResponse("healthy", "healthy", "healthy") { Analytics = analytics }, "1.0")
        {
            Loading = partitions is { } some ? new LoadingResponse(isFailing, some, 0, delay) : null,
        };
}
