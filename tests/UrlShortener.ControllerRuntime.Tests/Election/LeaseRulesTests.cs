using k8s.Models;
using UrlShortener.ControllerRuntime.Election;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Election;

public sealed class LeaseRulesTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(15);
    private static readonly DateTime Now = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    [Theory]
    [InlineData(null, 0, true)]
    [InlineData("", 0, true)]
    [InlineData("me", 0, true)]
    [InlineData("other", 19.9, false)]
    [InlineData("other", 20, true)]
    public void MayTake_HolderAndTimeUnchanged_FreeOwnOrExpiredOnly(string? holder, double unchangedSeconds, bool expected)
    {
        var spec = new V1LeaseSpec
        {
            HolderIdentity = holder,
            LeaseDurationSeconds = 20,
            RenewTime = Now.AddYears(-1),
        };

        Assert.Equal(expected, LeaseRules.MayTake(spec, "me", TimeSpan.FromSeconds(unchangedSeconds), Duration));
    }

    [Fact]
    public void MayTake_LeaseWithoutDuration_HoldsForTheOwnDuration()
    {
        var spec = new V1LeaseSpec { HolderIdentity = "other" };

        Assert.False(LeaseRules.MayTake(spec, "me", Duration - TimeSpan.FromSeconds(1), Duration));
        Assert.True(LeaseRules.MayTake(spec, "me", Duration, Duration));
    }

    /// <summary>As <c>kubectl edit lease</c> may leave it.</summary>
    [Fact]
    public void MayTake_LeaseEditedByHand_HoldsForMinutesAtMost()
    {
        var spec = new V1LeaseSpec
        {
            HolderIdentity = "nobody",
            LeaseDurationSeconds = int.MaxValue,
            RenewTime = Now.AddYears(10),
            LeaseTransitions = int.MaxValue,
        };

        Assert.False(LeaseRules.MayTake(spec, "me", LeaseRules.Longest - TimeSpan.FromSeconds(1), Duration));
        Assert.True(LeaseRules.MayTake(spec, "me", LeaseRules.Longest, Duration));
        Assert.Equal(1, LeaseRules.Take(spec, "me", Duration, Now).LeaseTransitions);
        spec.LeaseTransitions = -7;
        Assert.Equal(1, LeaseRules.Take(spec, "me", Duration, Now).LeaseTransitions);
    }

    [Fact]
    public void Take_FromAnother_CountsATransition()
    {
        var former = new V1LeaseSpec
        {
            HolderIdentity = "other",
            LeaseTransitions = 3,
            AcquireTime = Now.AddHours(-1),
        };

        var taken = LeaseRules.Take(former, "me", Duration, Now);
        var renewed = LeaseRules.Take(taken, "me", Duration, Now.AddSeconds(2));

        Assert.Equal((4, Now, Now), (taken.LeaseTransitions, taken.AcquireTime, taken.RenewTime));
        Assert.Equal((4, Now, Now.AddSeconds(2)), (renewed.LeaseTransitions, renewed.AcquireTime, renewed.RenewTime));
    }
}
