using UrlShortener.Runtime.Resilience;
using Xunit;

namespace UrlShortener.Runtime.Tests.Resilience;

public sealed class RetryBackoffTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 4)]
    [InlineData(4, 8)]
    [InlineData(5, 10)]
    [InlineData(1_000_000, 10)]
    public void After_Failures_IsBoundedAndJittered(int failures, int limit)
    {
        Assert.Equal(TimeSpan.FromSeconds(limit), RetryBackoff.Limit(failures));
        var waits = Enumerable.Range(0, 100).Select(_ => RetryBackoff.After(failures)).ToList();

        Assert.All(waits, wait => Assert.InRange(wait.TotalSeconds, limit / 2.0, limit));
        Assert.True(waits.Distinct().Count() > 1);
    }
}
