using UrlShortener.Runtime.Statistics;
using Xunit;

namespace UrlShortener.Runtime.Tests.Statistics;

public sealed class ClickTotalsBuilderTests
{
    /// <summary>Sums of days come first, single clicks of the days at both ends after them, most clicks first.</summary>
    [Fact]
    public void Build_QuartersInAnyOrder_AreAscendingAndAddedUp()
    {
        var totals = new ClickTotalsBuilder();
        foreach (var (quarter, clicks) in ((long, long)[])[(10, 1), (11, 2), (12, 0), (20, 3), (3, 4), (2, 5), (25, 6), (11, 7), (3, 8), (30, 9)])
            totals.AddQuarter(quarter, clicks);

        var built = totals.Build();

        Assert.Equal(
            [new(2, 5), new(3, 12), new(10, 1), new(11, 9), new(20, 3), new(25, 6), new(30, 9)],
            (IEnumerable<KeyValuePair<long, long>>)built.Quarters
        );
        Assert.Equal(45, built.Clicks);
    }
}
