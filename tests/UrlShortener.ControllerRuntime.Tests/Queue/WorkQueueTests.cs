using FsCheck.Xunit;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.ControllerRuntime.Queue;
using UrlShortener.ControllerRuntime.Timing;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Queue;

public sealed class WorkQueueTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly WorkQueue<string> _queue;

    public WorkQueueTests() => _queue = new WorkQueue<string>("tests", Backoff.Reconcile, _time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _queue.Dispose();

    [Fact]
    public async Task Add_SameKeyTwice_IsTakenOnce()
    {
        _queue.Add("a");
        _queue.Add("a");

        Assert.Equal("a", await TakeAsync());
        _queue.Done("a");
        Assert.Equal(0, _queue.Depth);
    }

    [Fact]
    public async Task Add_KeyInWork_WaitsUntilThatIsDone()
    {
        _queue.Add("a");
        await TakeAsync();
        _queue.Add("a");

        Assert.Equal(0, _queue.Depth);
        _queue.Done("a");

        Assert.Equal("a", await TakeAsync());
    }

    [Fact]
    public async Task AddAfter_TwoDelays_TheEarlierCounts()
    {
        _queue.AddAfter("a", TimeSpan.FromSeconds(20));
        _queue.AddAfter("a", TimeSpan.FromSeconds(5));

        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(0, _queue.Depth);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("a", await TakeAsync());
        _queue.Done("a");
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(0, _queue.Depth);
    }

    [Fact]
    public async Task AddAfter_TakenBefore_DoesNotComeBack()
    {
        _queue.AddAfter("a", TimeSpan.FromSeconds(5));
        _queue.Add("a");
        await TakeAsync();
        _queue.Done("a");

        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(0, _queue.Depth);
    }

    [Fact]
    public async Task AddRateLimited_FailuresInARow_ComeBackLaterEachTimeUntilForgotten()
    {
        var waits = new List<TimeSpan>();
        for (var failure = 0; failure < 16; failure++)
        {
            if (failure == 15)
                _queue.Forget("a");
            _queue.AddRateLimited("a");
            var wait = TimeSpan.Zero;
            while (_queue.Depth == 0)
            {
                _time.Advance(TimeSpan.FromMilliseconds(5));
                wait += TimeSpan.FromMilliseconds(5);
            }

            waits.Add(wait);
            await TakeAsync();
            _queue.Done("a");
        }

        Assert.Equal(5, waits[0].TotalMilliseconds);
        Assert.Equal(10, waits[1].TotalMilliseconds);
        Assert.Equal(60, waits[14].TotalSeconds);
        Assert.Equal(5, waits[15].TotalMilliseconds);
    }

    [Fact]
    public async Task Close_WorkersWait_TheyEnd()
    {
        var taking = _queue.TakeAsync(Token);

        _queue.Close();
        _queue.Add("a");

        Assert.Null(await taking);
        Assert.Equal(0, _queue.Depth);
    }

    [Fact]
    public async Task Take_FirstOfTwoGivesUp_TheSecondGetsTheKey()
    {
        using var first = new CancellationTokenSource();
        var (one, other) = (_queue.TakeAsync(first.Token), _queue.TakeAsync(Token));

        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        _queue.Add("a");

        Assert.Equal("a", (await other)?.Key);
    }

    [Fact]
    public async Task Take_ManyAtOnce_EachKeyGoesToOneOfThem()
    {
        var workers = Enumerable.Range(0, 8).Select(_ => _queue.TakeAsync(Token)).ToList();

        foreach (var key in "abcde")
            _queue.Add($"{key}");
        await Eventually.HoldsAsync(() => workers.Count(worker => worker.IsCompleted) == 5);
        _queue.Close();

        var taken = await Task.WhenAll(workers);
        Assert.Equal("abcde", string.Concat(taken.OfType<WorkItem<string>>().Select(item => item.Key).Order()));
    }

    /// <summary>Each step adds a key in one of the ways there are, or does a worker's turn, which may fail.</summary>
    [Property]
    public async Task Keys_AddedInAnyWay_AreWorkedOnAfterTheLastAddAndNeverTwiceAtOnce(byte[] steps)
    {
        var time = new FakeTimeProvider();
        using var queue = new WorkQueue<int>("tests", Backoff.Reconcile, time);
        var (pending, inWork) = (new HashSet<int>(), new HashSet<int>());
        foreach (var step in steps)
        {
            var key = step / 8 % 4;
            switch (step % 8)
            {
                case 0 or 1:
                    queue.Add(key);
                    pending.Add(key);
                    break;
                case 2:
                    queue.AddAfter(key, TimeSpan.FromSeconds(key));
                    pending.Add(key);
                    break;
                case 3:
                    queue.AddRateLimited(key);
                    pending.Add(key);
                    break;
                case 4:
                    time.Advance(TimeSpan.FromSeconds(1));
                    break;
                case 5 when inWork.Count > 0:
                    queue.Done(inWork.First());
                    inWork.Remove(inWork.First());
                    break;
                default:
                    await TakeAsync();
                    break;
            }
        }

        foreach (var key in inWork.ToList())
        {
            queue.Done(key);
            inWork.Remove(key);
        }

        time.Advance(TimeSpan.FromMinutes(2));
        while (await TakeAsync() is { } key)
        {
            queue.Done(key);
            inWork.Remove(key);
        }

        Assert.Empty(pending);

        async Task<int?> TakeAsync()
        {
            if (queue.Depth == 0)
                return null;
            var taken = (await queue.TakeAsync(Token))!.Value.Key;
            Assert.True(inWork.Add(taken));
            pending.Remove(taken);
            return taken;
        }
    }

    private async Task<string> TakeAsync() => (await _queue.TakeAsync(Token))!.Value.Key;
}
