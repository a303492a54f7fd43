using UrlShortener.Runtime.Statistics;
using Xunit;

namespace UrlShortener.Runtime.Tests.Statistics;

public sealed class ExportTurnsTests
{
    [Fact]
    public void TryBegin_OfOneUser_HasOneAtATime()
    {
        var turns = new ExportTurns(2);

        Assert.Equal(ExportTurn.Begun, turns.TryBegin(1));
        Assert.Equal(ExportTurn.UserHasOne, turns.TryBegin(1));
        turns.End(1);
        Assert.Equal(ExportTurn.Begun, turns.TryBegin(1));
    }

    [Fact]
    public void TryBegin_OfMoreUsersThanTurns_IsRefusedUntilOneEnds()
    {
        var turns = new ExportTurns(2);

        Assert.Equal(ExportTurn.Begun, turns.TryBegin(1));
        Assert.Equal(ExportTurn.Begun, turns.TryBegin(2));
        Assert.Equal(ExportTurn.AllTaken, turns.TryBegin(3));
        Assert.Equal(ExportTurn.UserHasOne, turns.TryBegin(1));
        turns.End(2);
        Assert.Equal(ExportTurn.Begun, turns.TryBegin(3));
    }
}
