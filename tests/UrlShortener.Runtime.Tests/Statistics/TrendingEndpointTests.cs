using UrlShortener.Runtime.Statistics;
using Xunit;

namespace UrlShortener.Runtime.Tests.Statistics;

public sealed class TrendingEndpointTests
{
    [Fact]
    public void Rank_MostClicksOfTheLastHourFirst_ThenThoseThatRose()
    {
        var counts = new Dictionary<string, HourCounts>
        {
            ["few"] = new(1, 90),
            ["none"] = new(0, 90),
            ["steady"] = new(5, 5),
            ["new"] = new(5, 0),
            ["also"] = new(5, 5),
        };

        Assert.Equal(["new", "also", "steady", "few"], TrendingEndpoint.Rank(counts, 10).Select(link => link.Key));
        Assert.Equal(["new", "also"], TrendingEndpoint.Rank(counts, 2).Select(link => link.Key));
    }

    [Theory]
    [InlineData("2026-11-30T14:55:00Z", "2026-11-30T13:56:00Z")]
    [InlineData("2026-11-30T14:55:59.999Z", "2026-11-30T13:56:00Z")]
    public void RecentHours_EndWithTheMinuteThatGoesOn(string now, string start)
    {
        var hours = new RecentHours(DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal(DateTimeOffset.Parse(start, System.Globalization.CultureInfo.InvariantCulture), hours.Middle);
        Assert.Equal((TimeSpan.FromHours(1), TimeSpan.FromHours(1)), (hours.End - hours.Middle, hours.Middle - hours.Begin));
    }
}
