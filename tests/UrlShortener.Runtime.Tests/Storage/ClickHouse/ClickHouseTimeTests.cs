using UrlShortener.Runtime.Storage.ClickHouse;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

public sealed class ClickHouseTimeTests
{
    private const long Day = 86_400_000;

    [Fact]
    public void DivideDays_ManyDays_EachPartHasAboutAPageAndAllTogetherTheRange()
    {
        (long, long)[] days = [(10, 3), (11, 4), (12, 4), (20, 50), (21, 1), (25, 9)];

        var parts = ClickHouseTime.DivideDays((10 * Day) + 5, (30 * Day) + 7, days, 10).ToList();

        Assert.Equal([((10 * Day) + 5, 12 * Day), (12 * Day, 13 * Day), (13 * Day, 21 * Day), (21 * Day, (30 * Day) + 7)], parts);
    }

    [Fact]
    public void DivideDays_NoClicks_HasNoParts() => Assert.Empty(ClickHouseTime.DivideDays(0, Day, [], 10));
}
