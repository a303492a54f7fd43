using UrlShortener.Runtime.Storage.Postgres;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed class WrittenPositionsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly WrittenPositions _positions = new();

    [Fact]
    public void LagOf_NothingOfThePrimaryIsKnown_IsNotKnown() => Assert.Null(_positions.LagOf(100, At(1), Patience));

    [Fact]
    public void LagOf_PrimaryWasNotSeenForLong_IsNotKnown()
    {
        _positions.Note(1, 100, At(0));

        Assert.Equal(TimeSpan.Zero, _positions.LagOf(100, At(5), Patience));
        Assert.Null(_positions.LagOf(100, At(5.1), Patience));
    }

    [Fact]
    public void LagOf_NothingIsWrittenForHours_IsZero()
    {
        _positions.Note(1, 100, At(0));
        _positions.Note(1, 100, At(7_200));

        Assert.Equal(TimeSpan.Zero, _positions.LagOf(100, At(7_200), Patience));
    }

    [Fact]
    public void LagOf_FirstWriteAfterHours_CountsFromThatWrite()
    {
        _positions.Note(1, 100, At(0));
        _positions.Note(1, 101, At(7_200));
        _positions.Note(1, 101, At(7_203));

        Assert.Equal(TimeSpan.FromSeconds(3), _positions.LagOf(100, At(7_203), Patience));
    }

    [Fact]
    public void LagOf_ReplicaFollowsAtADistance_IsThatDistance()
    {
        for (var second = 0; second <= 60; second++)
            _positions.Note(1, 1_000 + second, At(second));

        Assert.Equal(TimeSpan.FromSeconds(10), _positions.LagOf(1_049, At(60), Patience));
        Assert.Equal(TimeSpan.Zero, _positions.LagOf(1_060, At(60), Patience));
        // The replica was read before the primary.
        Assert.Equal(TimeSpan.Zero, _positions.LagOf(1_059, At(59.9), Patience));
    }

    [Fact]
    public void LagOf_PrimaryWasReplaced_ForgetsWhatTheOldOneWrote()
    {
        _positions.Note(1, 500, At(0));
        _positions.Note(2, 300, At(10));
        // The old one does not know it yet.
        _positions.Note(1, 900, At(10));

        Assert.Equal(TimeSpan.Zero, _positions.LagOf(300, At(10), Patience));
        _positions.Note(2, 400, At(11));
        Assert.Equal(TimeSpan.FromSeconds(1), _positions.LagOf(300, At(12), Patience));
    }

    [Fact]
    public void LagOf_ReplicaStandsStillForTwoHours_IsAnHour()
    {
        for (var i = 0; i <= 28_800; i++)
            _positions.Note(1, i, At(i / 4.0));

        Assert.InRange(_positions.LagOf(0, At(7_200), Patience)!.Value.TotalSeconds, 3_599, 3_600);
        Assert.InRange(_positions.LagOf(28_800 - 40, At(7_200), Patience)!.Value.TotalSeconds, 9, 10);
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
