using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Regions;

public sealed class RepeatedWorkTests : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _time = new();
    private readonly WriteAccess _access = new(NullLogger<WriteAccess>.Instance);
    private readonly List<Work> _started = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var work in _started)
        {
            await work.StopAsync(CancellationToken.None);
            work.Dispose();
        }
    }

    [Fact]
    public async Task Run_Interval_IsBeforeTheFirstRoundUnlessThatBeginsAtOnce()
    {
        var (later, atOnce) = (await StartAsync(), await StartAsync(beginsAtOnce: true));

        await Eventually.HoldsAsync(() => atOnce.Rounds == 1, "a round has ended");
        Assert.Equal(0, later.Rounds);

        await Eventually.HoldsAsync(() => later.Rounds >= 3 && atOnce.Rounds >= 3, () => _time.Advance(Interval));
    }

    [Fact]
    public async Task Run_RoundsThatFail_AreFollowedByOthersAndLoggedOnceInARow()
    {
        var work = await StartAsync();
        foreach (var row in new[] { 1, 2 })
        {
            work.Fails = true;
            var rounds = work.Rounds;
            await Eventually.HoldsAsync(() => work.Rounds >= rounds + 3, () => _time.Advance(Interval));
            Assert.Equal(row, work.Failures);

            work.Fails = false;
            rounds = work.Rounds;
            await Eventually.HoldsAsync(() => work.Rounds >= rounds + 3, () => _time.Advance(Interval));
        }

        Assert.Equal(0, work.Rests);
    }

    [Fact]
    public async Task Run_RegionTakesNoChanges_Rests()
    {
        _access.Note(TestRegions.Standby);
        var work = await StartAsync(beginsAtOnce: true);

        await Eventually.HoldsAsync(() => work.Rests >= 3, () => _time.Advance(Interval));
        Assert.Equal(0, work.Rounds);
        _access.Note(null);

        await Eventually.HoldsAsync(() => work.Rounds > 0, () => _time.Advance(Interval));
    }

    private async Task<Work> StartAsync(bool beginsAtOnce = false)
    {
        var work = new Work(_access, _time, beginsAtOnce);
        _started.Add(work);
        await work.StartAsync(Token);
        return work;
    }

    private sealed class Work(WriteAccess access, TimeProvider time, bool beginsAtOnce) : RepeatedWork(Interval, access, time)
    {
        private int _rounds;
        private int _failures;
        private int _rests;
        private volatile bool _fails;

        public int Rounds => Volatile.Read(ref _rounds);

        public int Failures => Volatile.Read(ref _failures);

        public int Rests => Volatile.Read(ref _rests);

        public bool Fails
        {
            set => _fails = value;
        }

        protected override bool BeginsAtOnce => beginsAtOnce;

        protected override async Task RunAsync(CancellationToken cancellationToken)
        {
            await Task.Yield();
            var fails = _fails;
            Interlocked.Increment(ref _rounds);
            if (fails)
                throw new InvalidOperationException("It fails.");
        }

        protected override void LogFailure(Exception error) => Interlocked.Increment(ref _failures);

        protected override void Rest() => Interlocked.Increment(ref _rests);
    }
}
