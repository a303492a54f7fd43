using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Links;
using Xunit;

namespace UrlShortener.Runtime.Tests.Caching;

public sealed class PendingChangesTests
{
    private static readonly TimeSpan Start = TimeSpan.FromMinutes(5);

    private readonly PendingChanges _pending = new();

    [Fact]
    public void FindDue_Added_IsDueAtOnce()
    {
        _pending.Add(new LinkVersion("abcd", new(0, 2)), Start, 2);
        Assert.Equal([new LinkVersion("abcd", new(0, 2))], _pending.FindDue(Start, 10));
    }

    [Fact]
    public void Note_AppliedTwice_IsDroppedAfterTheSecondTime()
    {
        var change = new LinkVersion("abcd", new(0, 2));
        _pending.Add(change, Start, 2);

        _pending.Note(change, isApplied: true, Start);
        Assert.Empty(_pending.FindDue(Start + TimeSpan.FromSeconds(14.9), 10));
        Assert.Equal([change], _pending.FindDue(Start + TimeSpan.FromSeconds(15), 10));

        _pending.Note(change, isApplied: true, Start + TimeSpan.FromSeconds(15));
        Assert.Equal(0, _pending.Count);
    }

    [Fact]
    public void Note_NotApplied_IsDueAgainSoonAndStillTwice()
    {
        var change = new LinkVersion("abcd", new(0, 2));
        _pending.Add(change, Start, 2);

        _pending.Note(change, isApplied: false, Start);
        Assert.Empty(_pending.FindDue(Start, 10));
        Assert.Equal([change], _pending.FindDue(Start + PendingChanges.RetryDelay, 10));

        _pending.Note(change, isApplied: true, Start);
        _pending.Note(change, isApplied: false, Start);
        Assert.Equal(1, _pending.Count);
        _pending.Note(change, isApplied: true, Start);
        Assert.Equal(0, _pending.Count);
    }

    [Fact]
    public void Add_TwoVersionsOfACode_TheLargerCounts()
    {
        _pending.Add(new LinkVersion("abcd", new(0, 2)), Start, 1);
        _pending.Add(new LinkVersion("abcd", new(0, 5)), Start, 1);
        _pending.Add(new LinkVersion("abcd", new(0, 3)), Start, 1);
        Assert.Equal([new LinkVersion("abcd", new(0, 5))], _pending.FindDue(Start, 10));

        // An answer for the smaller one that was under way says nothing of the larger.
        _pending.Note(new LinkVersion("abcd", new(0, 2)), isApplied: true, Start);
        Assert.Equal(1, _pending.Count);
    }

    [Fact]
    public void Add_PastTheBound_DropsTheOldest()
    {
        var pending = new PendingChanges(capacity: 3);
        var dropped = Enumerable.Range(1, 5).Sum(i => pending.Add(new LinkVersion($"code{i}", new(0, 1)), Start, 1));

        Assert.Equal((2, 3), (dropped, pending.Count));
        Assert.Equal(["code3", "code4", "code5"], pending.FindDue(Start, 10).Select(change => change.ShortCode));
    }

    [Fact]
    public void FindDue_Limit_GivesTheOldest()
    {
        for (var i = 1; i <= 5; i++)
            _pending.Add(new LinkVersion($"code{i}", new(0, 1)), Start, 1);
        Assert.Equal(["code1", "code2"], _pending.FindDue(Start, 2).Select(change => change.ShortCode));
    }
}
