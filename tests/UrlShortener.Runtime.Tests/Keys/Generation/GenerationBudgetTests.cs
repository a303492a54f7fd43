using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Keys.Generation;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys.Generation;

public sealed class GenerationBudgetTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly GenerationBudget _budget;

    public GenerationBudgetTests() => _budget = new GenerationBudget(100, _time);

    [Fact]
    public void TryTake_First_MayStart()
    {
        Assert.True(_budget.TryTake(50, out var wait));
        Assert.Equal(TimeSpan.Zero, wait);
    }

    [Fact]
    public void TryTake_BeforeTheLastIsPaidFor_TellsTheWait()
    {
        _budget.TryTake(50, out _);

        Assert.False(_budget.TryTake(1, out var wait));
        Assert.Equal(TimeSpan.FromSeconds(0.5), wait);

        _time.Advance(wait);
        Assert.True(_budget.TryTake(1, out _));
    }

    [Fact]
    public void TryTake_AfterAPause_HasNothingSavedUp()
    {
        _time.Advance(TimeSpan.FromHours(1));

        Assert.True(_budget.TryTake(100, out _));
        Assert.False(_budget.TryTake(100, out _));
    }

    [Fact]
    public void TryTake_AnHourOfAsking_KeepsToTheLimit()
    {
        var taken = 0;
        for (var i = 0; i < 36_000; i++)
        {
            taken += _budget.TryTake(7, out _) ? 7 : 0;
            _time.Advance(TimeSpan.FromSeconds(0.1));
        }

        Assert.InRange(taken, 100 * 3_600 / 2, (100 * 3_600) + 7);
    }
}
