using UrlShortener.Runtime.Resilience;
using Xunit;

namespace UrlShortener.Runtime.Tests.Resilience;

public sealed class FairTurnsTests
{
    private const long Busy = 1;
    private const long Rare = 2;
    private const long Third = 3;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 2)]
    public void Take_OneCaller_GetsHalfOfTheTurns(int turns, int share)
    {
        var fair = new FairTurns(turns);

        var taken = Enumerable.Range(0, turns + 2).Select(_ => fair.TakeAsync(Busy, Token)).ToList();

        Assert.Equal(share, taken.Count(turn => turn.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task Take_OneCallerAsksAllTheTime_OthersGetTheRestAtOnce()
    {
        var fair = new FairTurns(4);
        for (var i = 0; i < 50; i++)
            _ = fair.TakeAsync(Busy, Token);

        using var first = await fair.TakeAsync(Rare, Token);
        using var second = await fair.TakeAsync(Third, Token);
    }

    [Fact]
    public async Task End_SeveralWait_TheOneWithFewestTurnsIsNext()
    {
        var fair = new FairTurns(2);
        var busy = await fair.TakeAsync(Busy, Token);
        var third = await fair.TakeAsync(Third, Token);
        var again = fair.TakeAsync(Busy, Token);
        var (rare, rareAgain) = (fair.TakeAsync(Rare, Token), fair.TakeAsync(Rare, Token));

        third.Dispose();
        await rare;
        Assert.False(again.IsCompleted);

        // Of two without a turn, the one who has waited longer.
        busy.Dispose();
        await again;
        (await rare).Dispose();
        await rareAgain;
    }

    [Fact]
    public async Task Take_GivenUp_TakesNoTurn()
    {
        var fair = new FairTurns(1);
        var held = await fair.TakeAsync(Busy, Token);
        using var impatience = new CancellationTokenSource();
        var givenUp = fair.TakeAsync(Rare, impatience.Token);
        var patient = fair.TakeAsync(Third, Token);

        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givenUp);
        held.Dispose();

        (await patient).Dispose();
        (await fair.TakeAsync(Busy, Token)).Dispose();
    }

    [Fact]
    public async Task Take_TooManyOfOneCallerWait_IsRefused()
    {
        var fair = new FairTurns(2);
        for (var i = 0; i <= FairTurns.MaxWaiting; i++)
            _ = fair.TakeAsync(Busy, Token);

        await Assert.ThrowsAsync<QueryLimitException>(() => fair.TakeAsync(Busy, Token));

        (await fair.TakeAsync(Rare, Token)).Dispose();
    }

    [Fact]
    public async Task Take_ManyCallersAtOnce_NeverHaveMoreThanThereAre()
    {
        var fair = new FairTurns(3);
        var (running, most) = (0, 0);

        await Task.WhenAll(
            Enumerable
                .Range(0, 300)
                .Select(i =>
                    Task.Run(
                        async () =>
                        {
                            using var turn = await fair.TakeAsync(i % 20, Token);
                            InterlockedMax(ref most, Interlocked.Increment(ref running));
                            await Task.Yield();
                            Interlocked.Decrement(ref running);
                        },
                        Token
                    )
                )
        );

        Assert.InRange(most, 1, 3);
        Assert.Equal(0, running);
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen) { }
    }
}
