using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using UrlShortener.Runtime.RateLimiting;
using Xunit;

namespace UrlShortener.Runtime.Tests.RateLimiting;

public sealed class TokenBucketTests
{
    private const long Start = 1_790_000_000_000;

    private static readonly Gen<int> Limits = Gen.OneOf(Gen.Elements(1, 2, 3, 7, 10, 59, 60, 61, 100, 1_000, 10_000, 1_000_000), Gen.Choose(1, 20_000));

    [Fact]
    public void Take_FullBucket_GivesTheLimitAndThenNone()
    {
        var bucket = TokenBucket.Full(10, Start);
        for (var i = 9; i >= 0; i--)
        {
            (bucket, var allowed) = bucket.Take(10, Start);
            Assert.Equal((true, 10, i, 0), (allowed.Allowed, allowed.Limit, allowed.Remaining, allowed.RetryAfter));
        }

        var (_, refused) = bucket.Take(10, Start);
        Assert.Equal(new RateLimitDecision(false, 10, 0, 6, 60), refused);
    }

    [Fact]
    public void Take_ClockStepsBack_RefillsNothingAndLosesNothing()
    {
        var bucket = Empty(10, Start);

        (bucket, var early) = bucket.Take(10, Start - 3_600_000);
        (bucket, var again) = bucket.Take(10, Start);
        (_, var later) = bucket.Take(10, Start + 6_000);

        Assert.False(early.Allowed);
        Assert.False(again.Allowed);
        Assert.True(later.Allowed);
    }

    [Fact]
    public void Take_LimitLowered_HoldsNoMoreThanTheNewLimit()
    {
        var (_, decision) = TokenBucket.Full(1_000, Start).Take(10, Start);
        Assert.Equal(9, decision.Remaining);
    }

    [Fact]
    public void Take_LongPause_HoldsNoMoreThanTheLimit()
    {
        var (_, decision) = Empty(10, Start).Take(10, Start + (long)TimeSpan.FromDays(10_000).TotalMilliseconds);
        Assert.Equal(9, decision.Remaining);
    }

    [Property(MaxTest = 500)]
    public Property Take_AnySteps_NeverMoreThanTheLimitPlusTheRefillInAnyWindow() =>
        Prop.ForAll(
            Limits.ToArbitrary(),
            Gen.Choose(-2_000, 5_000).NonEmptyListOf().ToArbitrary(),
            (limit, steps) =>
            {
                var bucket = TokenBucket.Full(limit, Start);
                var now = Start;
                var allowedAt = new List<long>();
                // The clock that the bucket goes by never steps back.
                var latest = Start;
                foreach (var step in steps)
                {
                    now += step;
                    latest = Math.Max(latest, now);
                    for (var i = 0; i < 5; i++)
                    {
                        (bucket, var decision) = bucket.Take(limit, now);
                        Assert.InRange(decision.Remaining, 0, limit);
                        Assert.InRange(decision.Reset, 0, TokenBucket.WindowSeconds);
                        if (decision.Allowed)
                            allowedAt.Add(latest);
                    }
                }

                for (var first = 0; first < allowedAt.Count; first++)
                {
                    for (var last = first; last < allowedAt.Count; last++)
                        Assert.True(last - first + 1 <= limit + ((allowedAt[last] - allowedAt[first]) * limit / 60_000.0) + 1e-6);
                }
            }
        );

    [Property(MaxTest = 5_000)]
    public Property Take_RetryAfter_IsTruthful() =>
        Prop.ForAll(
            Limits.ToArbitrary(),
            Gen.Choose(0, 59_999).ToArbitrary(),
            (limit, pause) =>
            {
                var (bucket, decision) = Empty(limit, Start).Take(limit, Start + pause);
                var now = Start + pause;
                // What the pause refilled goes first.
                while (decision.Allowed)
                    (bucket, decision) = bucket.Take(limit, now);

                Assert.True(decision.RetryAfter >= 1);
                Assert.True(bucket.Take(limit, now + (decision.RetryAfter * 1_000L)).Decision.Allowed, $"after {decision.RetryAfter} s");
                if (decision.RetryAfter > 1)
                    Assert.False(bucket.Take(limit, now + ((decision.RetryAfter - 1) * 1_000L)).Decision.Allowed);
            }
        );

    [Fact]
    public void Take_RetryAfterOfEveryLimit_GivesAToken()
    {
        // Every one of them, since fractions are what goes wrong.
        for (var limit = 1; limit <= 10_000; limit++)
        {
            var (bucket, decision) = Empty(limit, Start).Take(limit, Start);
            Assert.True(bucket.Take(limit, Start + (decision.RetryAfter * 1_000L)).Decision.Allowed, $"limit {limit}, after {decision.RetryAfter} s");
        }
    }

    [Property(MaxTest = 1_000)]
    public Property Take_AfterReset_IsFull() =>
        Prop.ForAll(
            Limits.ToArbitrary(),
            Gen.Choose(0, 59_999).ToArbitrary(),
            (limit, pause) =>
            {
                var (bucket, decision) = Empty(limit, Start).Take(limit, Start + pause);
                Assert.Equal(limit - 1, bucket.Take(limit, Start + pause + (decision.Reset * 1_000L)).Decision.Remaining);
            }
        );

    private static TokenBucket Empty(int limit, long at)
    {
        var bucket = TokenBucket.Full(limit, at);
        return bucket with { Parts = 0 };
    }
}
