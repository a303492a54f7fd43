using System.Net;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.RateLimiting;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.RateLimiting;

public sealed class RateLimiterTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RateLimiter _limiter;

    public RateLimiterTests() => _limiter = new RateLimiter(new RateLimitingOptions { Anonymous = 2 }, _time);

    [Fact]
    public void Take_Anonymous_IsLimitedPerAddress()
    {
        Assert.Equal([true, true, false], Take(3, null, "192.0.2.1"));
        Assert.Equal([true, true, false], Take(3, null, "192.0.2.2"));
    }

    [Fact]
    public void Take_Users_HaveTheirOwnBucketsWhateverTheAddress()
    {
        Assert.Equal([true, true, true, false], Take(4, NewUser(1, 3), "192.0.2.1"));
        Assert.Equal([false], Take(1, NewUser(1, 3), "192.0.2.2"));
        Assert.Equal([true], Take(1, NewUser(2, 3), "192.0.2.1"));
        Assert.Equal([true, true, false], Take(3, null, "192.0.2.1"));
    }

    [Fact]
    public void Take_AfterTheWait_IsAllowed()
    {
        Take(2, null, "192.0.2.1");
        var refused = TakeOne(null, "192.0.2.1");
        Assert.Equal((false, 30), (refused.Allowed, refused.RetryAfter));

        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal([false], Take(1, null, "192.0.2.1"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([true, false], Take(2, null, "192.0.2.1"));
    }

    [Fact]
    public void Take_NoAddress_IsOneCaller() => Assert.Equal([true, true, false], Take(3, null, null));

    [Fact]
    public void Take_ManyAtOnce_GivesExactlyTheLimit()
    {
        var allowed = 0;
        Parallel.For(
            0,
            500,
            _ =>
            {
                if (TakeOne(NewUser(9, 50), null).Allowed)
                    Interlocked.Increment(ref allowed);
            }
        );
        Assert.Equal(50, allowed);
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("::ffff:192.0.2.1", "::ffff:192.0.2.2", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("::1", "::2", true)]
    [InlineData("fe80::1%2", "fe80::2%3", true)]
    public void AddressKey_TwoAddresses_AreOneCallerWithinASubscribersNetwork(string left, string right, bool isSame) =>
        Assert.Equal(isSame, RateLimiter.AddressKey(IPAddress.Parse(left)) == RateLimiter.AddressKey(IPAddress.Parse(right)));

    [Fact]
    public void PolicyOf_EveryTier_HasAName()
    {
        Assert.Equal("anonymous", RateLimiter.PolicyOf(null));
        Assert.Equal(["free", "pro", "enterprise"], Enum.GetValues<Tier>().Select(tier => RateLimiter.PolicyOf(NewUser(1, 1) with { Tier = tier })));
    }

    private static User NewUser(long id, int limit) => new(id, $"{id}@example.com", Tier.Free, limit, 0, DateTimeOffset.UnixEpoch, null, HasKey: true);

    private bool[] Take(int times, User? user, string? address) => [.. Enumerable.Range(0, times).Select(_ => TakeOne(user, address).Allowed)];

    // Without shared buckets it never waits.
    private RateLimitDecision TakeOne(User? user, string? address)
    {
        var taken = _limiter.TakeAsync(user, address is null ? null : IPAddress.Parse(address), CancellationToken.None).AsTask();
        Assert.True(taken.IsCompletedSuccessfully);
        return taken.Result;
    }
}
