using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Resilience;
using Xunit;

namespace UrlShortener.Runtime.Tests.Http;

public sealed class OccasionTests
{
    [Fact]
    public void TryPass_ManyInAnInterval_LetsOnePassAndCountsTheOthers()
    {
        var time = new FakeTimeProvider();
        var occasion = new Occasion(time, TimeSpan.FromSeconds(1));

        Assert.True(occasion.TryPass(out var first));
        Assert.Equal(1, first);
        for (var i = 0; i < 5; i++)
            Assert.False(occasion.TryPass(out _));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(occasion.TryPass(out var next));
        Assert.Equal(6, next);
    }
}
