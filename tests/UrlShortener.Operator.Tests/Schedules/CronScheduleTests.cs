using System.Globalization;
using UrlShortener.Operator.Schedules;
using Xunit;

namespace UrlShortener.Operator.Tests.Schedules;

public sealed class CronScheduleTests
{
    [Theory]
    [InlineData("2026-11-28 02:59", false)]
    [InlineData("2026-11-28 03:00", true)]
    [InlineData("2026-11-28 03:59", true)]
    [InlineData("2026-11-28 04:00", false)]
    [InlineData("2026-11-29 03:30", false)]
    public void Window_IsOpenFromATimeOfTheSchedule_ForItsLength(string time, bool isOpen) =>
        Assert.Equal(
            isOpen,
            CronSchedule.IsOpen("0 3 * * SAT", TimeSpan.FromHours(1), DateTimeOffset.Parse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal))
        );
}
