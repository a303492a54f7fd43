using UrlShortener.Runtime.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Regions;

public sealed class DatabaseLookTests
{
    private static readonly WriteRegionRow OfEu = new("eu", 4, TimeSpan.FromSeconds(0.4));

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void Decide_NoRow_IsAsInASingleRegion(bool isInRecovery, bool refusesWrites) =>
        Assert.Null(new DatabaseLook(isInRecovery, refusesWrites, Row: null).Decide("us"));

    [Theory]
    [InlineData("eu")]
    // Promoted a moment ago: the row is still that of the region before.
    [InlineData("us")]
    public void Decide_DatabaseTakesWrites_TakesChangesWhateverTheRowSays(string region) =>
        Assert.Null(new DatabaseLook(IsInRecovery: false, RefusesWrites: false, OfEu).Decide(region));

    [Fact]
    public void Decide_InRecoveryAndAnotherRegionWrites_IsAStandby() =>
        Assert.Equal(
            new ReadOnlyRegion(ReadOnlyReason.Standby, "eu", 4, TimeSpan.FromSeconds(0.4)),
            new DatabaseLook(IsInRecovery: true, RefusesWrites: true, OfEu).Decide("us")
        );

    [Fact]
    public void Decide_InRecoveryAndThisRegionWrites_IsAFailoverAsInASingleRegion() =>
        Assert.Null(new DatabaseLook(IsInRecovery: true, RefusesWrites: true, OfEu).Decide("eu"));

    [Theory]
    [InlineData("eu", null)]
    [InlineData("us", "eu")]
    public void Decide_PrimaryRefusesWrites_IsFenced(string region, string? writer) =>
        Assert.Equal(
            new ReadOnlyRegion(ReadOnlyReason.Fenced, writer, 4, TimeSpan.FromSeconds(0.4)),
            new DatabaseLook(IsInRecovery: false, RefusesWrites: true, OfEu).Decide(region)
        );

    [Fact]
    public void Decide_ClockOfTheWritingRegionIsAhead_HasNoNegativeLag() =>
        Assert.Equal(TimeSpan.Zero, new DatabaseLook(true, true, OfEu with { Age = TimeSpan.FromSeconds(-3) }).Decide("us")!.Age);

    [Fact]
    public void Explain_NamesTheRegionThatTakesChanges()
    {
        Assert.Contains("the region eu does", TestRegions.Standby.Explain(), StringComparison.Ordinal);
        Assert.Contains("no other region is known", TestRegions.Fenced.Explain(), StringComparison.Ordinal);
    }
}
